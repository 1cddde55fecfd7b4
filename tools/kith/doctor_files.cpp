// Doctor: the files of an installation.
#include "runtime/identity/keystore.hpp"
#include "tools/kith/config_check.hpp"
#include "tools/kith/doctor.hpp"
#include "tools/kith/files.hpp"
#include "tools/kith/identity_files.hpp"
#include "tools/kith/text_values.hpp"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace kith::cli {
namespace {

namespace fs = std::filesystem;

std::optional<struct stat> look(const fs::path& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 ? std::optional(s) : std::nullopt;
}

bool open_to_others(const struct stat& s) { return (s.st_mode & (S_IRWXG | S_IRWXO)) != 0; }

// Files of another user cannot be read or, made by root, not be used by the node later.
void examine_owner(const fs::path& path, const struct stat& s, findings& out) {
  if (s.st_uid == ::geteuid()) return;
  const auto who = "user " + std::to_string(s.st_uid);
  if (::geteuid() == 0)
    out.warning("owner", path.string() + " belongs to " + who + ", but this is root",
                "Run kith as that user, or files that it cannot use will be made there.");
  else
    out.problem("owner", path.string() + " belongs to " + who + ", not to who runs this",
                "Run kith as that user, or `chown -R " + std::to_string(::geteuid()) + " " +
                    path.string() + "`");
}

void examine_settings(const context& c, const patient& p, findings& out) {
  const auto file = c.dir.settings_file(p.name);
  config::settings all;
  auto found = problems_of_file(read_some(file, 0, config::settings::file_size_max + 1),
                                file.filename().string(), all);
  for (auto& f : problems_of_variables(c.io.settings, all)) found.push_back(std::move(f));
  for (auto& f : problems_of_values(all)) found.push_back(std::move(f));
  for (const auto& f : found)
    out.problem("settings", f.context,
                "Correct it in " + file.string() +
                    " or where it was set, then `kith config check`.");
  if (found.empty()) out.ok("settings", "Every setting is known and makes sense.");
}

void examine_keys(const patient& p, findings& out) {
  const auto dir = p.dir / "keys", file = dir / std::string(keystore::file_name);
  const auto of_dir = look(dir);
  if (!of_dir) {
    if (look(p.dir / "store"))
      return out.problem("keys", "There is a store but no " + dir.string() + ".",
                         "Put the node's own keys back from a backup: a new key is another node, "
                         "which cannot use this store.");
    return out.ok("keys", "It has none yet; its first start makes them.");
  }
  if (open_to_others(*of_dir))
    return out.problem("keys", dir.string() + " can be looked into by others.",
                       "`chmod 700 " + dir.string() + "`");
  const fs::path passphrase = p.settings ? p.settings->text("keys.passphrase_file") : "";
  const auto key = read_node_identity(file, passphrase);
  if (key)
    return out.ok("keys", "The key of " + key->did().text() + " is there, for its owner only.");
  const auto& e = key.error();
  if (e.code == "passphrase_needed")
    return out.warning("keys",
                       file.string() + " is sealed, and somebody has to type its passphrase at "
                                       "each start.",
                       "Set keys.passphrase_file to a file with it, if the node is to start by "
                       "itself.");
  out.problem("keys", e.context,
              e.code == "key_permissions" ? "Take the rights of others away: `chmod 600 FILE`"
              : e.code.starts_with("passphrase") || e.category == errc::invalid
                  ? "Set keys.passphrase_file to a file with the passphrase that sealed the key"
                  : "Put the file back from a backup; nobody else has this key.");
}

void examine_store(const patient& p, findings& out) {
  const auto store = p.dir / "store";
  if (!look(store / "db" / "CURRENT")) return;
  if (!look(store / "witness"))
    out.problem("store", "The store's witness file is gone.",
                "The node will not start without it: restore keys/ and store/ together from a "
                "backup.");
  else
    out.ok("store", "The store and its witness file are there.");
}

} // namespace

void examine_directory(const context& c, findings& out) {
  const auto& dir = c.dir.path();
  const auto s = look(dir);
  if (!s || !S_ISDIR(s->st_mode) || !c.dir.exists())
    return out.problem("directory", "There is no cluster's state in " + dir.string() + ".",
                       "Make one with `kith init`, or name another with --dir or KITH_DIR.");
  if (::access(dir.c_str(), R_OK | W_OK | X_OK) != 0)
    out.problem("directory", dir.string() + " cannot be used: " + std::strerror(errno) + ".",
                "`chmod u+rwx " + dir.string() + "`");
  else if (open_to_others(*s))
    out.warning("directory", dir.string() + " can be looked into by others.",
                "`chmod 700 " + dir.string() + "`");
  else
    out.ok("directory", dir.string() + " is there, for its owner only.");
  examine_owner(dir, *s, out);
  if (c.dir.node_names().empty())
    out.problem("directory", "It has no nodes.", "`kith init` makes them.");
}

void examine_secrets(const std::vector<patient>& all, findings& out) {
  std::optional<crypto::secret_buffer> first;
  std::string first_name;
  bool good = !all.empty();
  for (const auto& p : all) {
    const fs::path named = p.settings ? p.settings->text("cluster.secret_file") : "";
    const auto file = named.empty() ? p.dir / "cluster.secret" : named;
    auto secret = read_secret_file(file);
    if (!secret) {
      good = false;
      out.problem("secret", "Node " + p.name + ": " + secret.error().context,
                  secret.error().code == "key_permissions"
                      ? "`chmod 600 " + file.string() + "`"
                      : "Put the cluster's secret there; it is the same on all of its nodes.");
    } else if (!first) {
      first = std::move(*secret);
      first_name = p.name;
    } else if (*first != *secret) {
      good = false;
      out.problem("secret", "Nodes " + first_name + " and " + p.name + " have different secrets.",
                  "Give them the same cluster.secret, or they will refuse each other.");
    }
  }
  if (good) out.ok("secret", "The cluster secret is long enough, and the same for all nodes here.");
}

void examine_files(const context& c, const patient& p, findings& out) {
  if (const auto s = look(p.dir)) {
    examine_owner(p.dir, *s, out);
    if (open_to_others(*s))
      out.warning("directory", p.dir.string() + " can be looked into by others.",
                  "`chmod 700 " + p.dir.string() + "`");
  }
  examine_settings(c, p, out);
  examine_keys(p, out);
  examine_store(p, out);
  for (const auto* name : {"control.sock", "operator.token"})
    if (const auto s = look(p.dir / name); s && open_to_others(*s))
      out.problem("files",
                  (p.dir / name).string() + " is open to others: who can open it owns " +
                      "the node.",
                  "`chmod 600 " + (p.dir / name).string() + "`");
}

} // namespace kith::cli
