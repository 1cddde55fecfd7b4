#include "tools/kith/passphrase.hpp"
#include "runtime/identity/keystore.hpp"
#include "tools/kith/node_settings.hpp"

#include <cerrno>
#include <cstring>
#include <ostream>
#include <unistd.h>

namespace kith::cli {
namespace {

namespace fs = std::filesystem;

// One answer; that there is nobody to ask is told as what it means here.
result<crypto::secret_buffer> ask(const console& io, const std::string& question,
                                  const std::string& why) {
  const auto needed = [&](const std::string& how) {
    return fail(errc::unauthenticated, "passphrase_needed",
                why + ", and there is no terminal to ask at (" + how +
                    "): set keys.passphrase_file to a file with the passphrase");
  };
  if (!io.ask_secret) return needed("this program has none");
  auto answer = io.ask_secret(question);
  if (!answer && answer.error().code == "no_terminal") return needed(answer.error().context);
  return answer;
}

struct sealed_node {
  std::string name;
  fs::path file;
  crypto::secret_buffer contents;
};

fs::path key_file(const context& c, const std::string& name) {
  return c.dir.node_dir(name) / "keys" / keystore::file_name;
}

result<bool> has_passphrase_file(const context& c, const std::string& name) {
  KITH_ASSIGN(const auto settings, load_settings(c.dir.node_dir(name), c.io.settings, c.given.set));
  return !settings.text("keys.passphrase_file").empty();
}

result<std::vector<sealed_node>> sealed_ones(const context& c, std::span<const std::string> names) {
  std::vector<sealed_node> out;
  for (const auto& name : names) {
    const auto file = key_file(c, name);
    auto contents = load_secret_file(file, false);
    // What is wrong with a file that cannot be read, its node says when it starts.
    if (!contents || !is_sealed_key_file(contents->expose())) continue;
    KITH_ASSIGN(const auto settled, has_passphrase_file(c, name));
    if (!settled) out.push_back({name, file, std::move(*contents)});
  }
  return out;
}

// Moves those that it opens from `waiting` to `out`.
result<> try_on(const crypto::secret_buffer& passphrase, std::vector<sealed_node>& waiting,
                node_passphrases& out) {
  std::vector<sealed_node> others;
  for (auto& node : waiting) {
    const auto key = decode_sealed_key_file(node.contents.expose(), passphrase.expose());
    if (key)
      out.emplace(node.name, passphrase.clone());
    else if (key.error().category == errc::unauthenticated)
      others.push_back(std::move(node));
    else
      return fail(key.error().category, key.error().code,
                  node.file.string() + ": " + key.error().context);
  }
  waiting = std::move(others);
  return {};
}

} // namespace

std::string nodes_text(std::span<const std::string> names) {
  std::string out = names.size() == 1 ? "node " : "nodes ";
  for (std::size_t i = 0; i < names.size(); ++i) out += (i == 0 ? "" : ", ") + names[i];
  return out;
}

result<opened_key> open_at_terminal(const console& io, const fs::path& file, byte_view contents,
                                    const std::string& what) {
  for (unsigned left = passphrase_tries_max; left-- > 0;) {
    KITH_ASSIGN(auto passphrase,
                ask(io, "Passphrase for " + what + ": ", file.string() + " is sealed"));
    auto key = decode_sealed_key_file(contents, passphrase.expose());
    if (key) return opened_key{std::move(*key), std::move(passphrase)};
    if (key.error().category != errc::unauthenticated)
      return fail(key.error().category, key.error().code,
                  file.string() + ": " + key.error().context);
    if (left > 0) io.err << "kith: that does not open it; try again" << std::endl;
  }
  return fail(errc::unauthenticated, "passphrase_wrong",
              "none of " + std::to_string(passphrase_tries_max) + " passphrases opens " +
                  file.string());
}

result<crypto::secret_buffer> choose_passphrase(const console& io, const std::string& what) {
  const auto why = "a new key of " + what + " is to be sealed";
  for (unsigned left = passphrase_tries_max; left-- > 0;) {
    KITH_ASSIGN(auto first, ask(io, "New passphrase for " + what + ": ", why));
    if (first.size() < secret_size_min) {
      io.err << "kith: a passphrase has at least " << secret_size_min << " bytes" << std::endl;
      continue;
    }
    KITH_ASSIGN(const auto second, ask(io, "The same once more: ", why));
    if (first == second) return first;
    io.err << "kith: these two are not the same" << std::endl;
  }
  return fail(errc::unauthenticated, "passphrase_unset", "no new passphrase was given for " + what);
}

result<crypto::secret_buffer> read_passphrase(int fd) {
  crypto::secret_buffer all(secret_file_size_max + 1);
  std::size_t size = 0;
  ssize_t n = 1;
  while (n != 0 && size < all.size()) {
    n = ::read(fd, all.expose_mutable().data() + size, all.size() - size);
    if (n > 0) size += std::size_t(n);
    if (n < 0 && errno != EINTR)
      return fail(errc::invalid, "bad_passphrase_fd",
                  "--passphrase-fd " + std::to_string(fd) +
                      " cannot be read: " + std::strerror(errno));
  }
  ::close(fd);
  if (size > secret_file_size_max)
    return fail(errc::too_large, "passphrase_size", "a passphrase has at most 1024 bytes");
  auto text = all.expose().first(size);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text = text.first(text.size() - 1);
  if (text.size() < secret_size_min)
    return fail(errc::invalid, "secret_too_short",
                "what --passphrase-fd gave has less than " + std::to_string(secret_size_min) +
                    " bytes");
  return crypto::secret_buffer(text);
}

result<node_passphrases> ask_for_nodes(const context& c, std::span<const std::string> names,
                                       const crypto::secret_buffer* known) {
  node_passphrases out;
  KITH_ASSIGN(auto waiting, sealed_ones(c, names));
  if (known != nullptr) KITH_TRY(try_on(*known, waiting, out));
  while (!waiting.empty()) {
    std::vector<std::string> asked;
    for (const auto& node : waiting) asked.push_back(node.name);
    const auto first = std::move(waiting.front());
    waiting.erase(waiting.begin());
    KITH_ASSIGN(auto opened,
                open_at_terminal(c.io, first.file, first.contents.expose(), nodes_text(asked)));
    KITH_TRY(try_on(opened.passphrase, waiting, out));
    out.emplace(first.name, std::move(opened.passphrase));
  }
  return out;
}

result<> seal_nodes(const context& c, std::span<const std::string> names,
                    std::optional<crypto::secret_buffer>& chosen) {
  std::vector<std::string> bare;
  for (const auto& name : names) {
    KITH_ASSIGN(const auto settled, has_passphrase_file(c, name));
    if (settled)
      return fail(errc::invalid, "usage",
                  "--passphrase is of no use to node " + name +
                      ", which has keys.passphrase_file: its key is sealed under that");
    const auto contents = load_secret_file(key_file(c, name), false);
    if (!contents && contents.error().category != errc::not_found) return fail(contents.error());
    if (!contents || !is_sealed_key_file(contents->expose())) bare.push_back(name);
  }
  if (bare.empty()) return {};
  if (!chosen) {
    KITH_ASSIGN(chosen, choose_passphrase(c.io, nodes_text(bare)));
  }
  system_random random;
  for (const auto& name : bare)
    KITH_TRY(keystore::open_or_create(key_file(c, name).parent_path(), random, &*chosen));
  return {};
}

} // namespace kith::cli
