// In the order in which a crash does least harm: the store's files, then what is beside them, then
// the manifest, and a rename that makes it a backup. What a crash left is erased by the next one.
#include "runtime/backup/backups.hpp"

#include "runtime/backup/files.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/identity/key_file.hpp"
#include "runtime/store/state_lock.hpp"

#include <algorithm>
#include <charconv>

namespace kith::backup {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view manifest_name = "manifest";
constexpr std::string_view unfinished = ".unfinished"; // not a number: no backup
constexpr std::size_t meta_size_max = 64 << 20;        // a line for each of the store's files

fs::path store_of(const fs::path& dir) { return dir / "store"; }
fs::path node_dir(const fs::path& dir, store::backup_id id) {
  return dir / "nodes" / std::to_string(id);
}

std::string naming(const fs::path& dir, store::backup_id id) {
  return "backup " + std::to_string(id) + " in " + dir.string();
}

// The ids that have a directory, in order.
std::vector<store::backup_id> numbered(const fs::path& dir) {
  std::vector<store::backup_id> out;
  std::error_code ec;
  for (fs::directory_iterator it(dir / "nodes", ec), end; !ec && it != end; it.increment(ec)) {
    const auto name = it->path().filename().string();
    store::backup_id id = 0;
    const auto [stop, bad] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (bad == std::errc() && stop == name.data() + name.size() && id > 0) out.push_back(id);
  }
  std::sort(out.begin(), out.end());
  return out;
}

result<byte_array<32>> digest_of_meta(const fs::path& dir, store::backup_id id) {
  KITH_ASSIGN(const auto meta,
              read_file(store::backups::meta_file(store_of(dir), id), meta_size_max));
  if (!meta)
    return fail(errc::corrupt, "backup_damaged",
                naming(dir, id) + ": the list of its files is gone");
  return crypto::blake2b_256(meta->expose());
}

result<manifest> read_manifest(const fs::path& dir, store::backup_id id) {
  const auto path = node_dir(dir, id) / manifest_name;
  KITH_ASSIGN(const auto all, read_file(path, manifest::size_max));
  if (!all) return fail(errc::not_found, "unknown_backup", "there is no " + naming(dir, id));
  auto m = decode_manifest(all->expose());
  if (!m) return fail(m.error().category, m.error().code, path.string() + ": " + m.error().context);
  if (m->id != id)
    return fail(errc::corrupt, "bad_manifest", path.string() + " is that of another backup");
  return m;
}

// Erases what a backup that did not come to its end, or an erasing, left.
result<void> tidy(const fs::path& dir) {
  std::error_code ec;
  for (fs::directory_iterator it(dir / "nodes", ec), end; !ec && it != end; it.increment(ec)) {
    std::error_code removing;
    if (it->path().extension() == unfinished) fs::remove_all(it->path(), removing);
    if (removing)
      return fail(errc::io, "backup_file", it->path().string() + ": " + removing.message());
  }
  const auto whole = numbered(dir);
  KITH_ASSIGN(const auto stored, store::backups::list(store_of(dir)));
  for (const auto id : stored)
    if (!std::binary_search(whole.begin(), whole.end(), id))
      KITH_TRY(store::backups::erase(store_of(dir), id));
  return {};
}

result<void> prepare(const fs::path& dir, const did& node) {
  std::error_code ec;
  if (fs::exists(dir, ec) && !fs::exists(dir / "store", ec) && !fs::is_empty(dir, ec) &&
      !fs::exists(dir / "lock", ec))
    return fail(errc::conflict, "not_backups",
                dir.string() + " holds something that is no backup; name an empty directory, or "
                               "one that is not there");
  KITH_TRY(prepare_secret_directory(dir));
  for (const auto id : numbered(dir))
    if (const auto m = read_manifest(dir, id); m && m->node != node)
      return fail(errc::conflict, "other_nodes_backups",
                  dir.string() + " holds backups of " + m->node.text() + " (" + m->node_name +
                      "); each node needs a directory of its own");
  return {};
}

result<store::state_lock> lock(const fs::path& dir) {
  auto held = store::state_lock::take(dir, store::state_lock::mode::exclusive);
  if (!held && held.error().code == "state_dir_locked")
    return fail(errc::unavailable, "backup_dir_locked",
                held.error().context.substr(0, held.error().context.find(';')) +
                    "; wait until that is done");
  return held;
}

// Where each file of a node's lies, by its name in a backup.
result<std::vector<std::pair<std::string, fs::path>>> files_of(const subject& of) {
  std::vector<std::pair<std::string, fs::path>> out{{"kith.toml", of.dir / "kith.toml"},
                                                    {"cluster.secret", of.secret_file}};
  std::error_code ec;
  for (fs::directory_iterator it(of.dir / "keys", ec), end; !ec && it != end; it.increment(ec)) {
    const auto name = "keys/" + it->path().filename().string();
    std::error_code gone;
    if (it->is_regular_file(gone) && is_file_name(name)) out.emplace_back(name, it->path());
  }
  if (ec) return fail(errc::io, "backup_file", (of.dir / "keys").string() + ": " + ec.message());
  if (out.size() > manifest::files_max)
    return fail(errc::too_large, "backup_files",
                (of.dir / "keys").string() + " has more files than a node has");
  return out;
}

// Copies them, and lists them in `m`.
result<void> put_beside(const subject& of, const fs::path& into, manifest& m,
                        random_source& random) {
  KITH_TRY(prepare_secret_directory(into));
  KITH_TRY(prepare_secret_directory(into / "files"));
  KITH_ASSIGN(const auto files, files_of(of));
  for (const auto& [name, path] : files) {
    KITH_ASSIGN(const auto contents, read_file(path));
    if (!contents) continue; // as kith.toml of a node that is not started by the command line
    KITH_TRY(write_file(into / "files" / name, contents->expose(), random));
    m.files.push_back({name, contents->size(), crypto::blake2b_256(contents->expose())});
  }
  const auto keys = std::count_if(m.files.begin(), m.files.end(),
                                  [](const auto& f) { return f.name.starts_with("keys/"); });
  if (keys == 0)
    return fail(errc::io, "backup_file", "there is no key in " + (of.dir / "keys").string());
  return {};
}

result<void> erase(const fs::path& dir, store::backup_id id) {
  // First it is no backup any more, then its files go.
  const auto path = node_dir(dir, id);
  auto away = path;
  away += unfinished;
  std::error_code ec;
  fs::rename(path, away, ec);
  if (!ec) KITH_TRY(sync_directory(dir / "nodes"));
  KITH_TRY(store::backups::erase(store_of(dir), id));
  if (!ec) fs::remove_all(away, ec);
  if (ec) return fail(errc::io, "backup_file", path.string() + ": " + ec.message());
  return {};
}

result<void> complete(const subject& of, const fs::path& dir, manifest& m, random_source& random) {
  const auto path = node_dir(dir, m.id);
  auto beside = path;
  beside += unfinished;
  KITH_TRY(put_beside(of, beside, m, random));
  KITH_ASSIGN(m.store_digest, digest_of_meta(dir, m.id));
  KITH_TRY(write_file(beside / manifest_name, encode(m), random));
  std::error_code ec;
  fs::rename(beside, path, ec);
  if (ec) return fail(errc::io, "backup_file", path.string() + ": " + ec.message());
  return sync_directory(dir / "nodes");
}

result<store::backup_id> newest(const fs::path& dir) {
  const auto all = numbered(dir);
  if (all.empty())
    return fail(errc::not_found, "no_backups", "there is no backup in " + dir.string());
  return all.back();
}

// Those of the files beside the store, compared with the manifest.
result<crypto::secret_buffer> checked_file(const fs::path& dir, store::backup_id id,
                                           const file_entry& f) {
  KITH_ASSIGN(auto contents, read_file(node_dir(dir, id) / "files" / f.name));
  if (!contents || contents->size() != f.size ||
      crypto::blake2b_256(contents->expose()) != f.digest)
    return fail(errc::corrupt, "backup_damaged",
                naming(dir, id) + ": " + f.name + " is not what was written; use another backup");
  return std::move(*contents);
}

} // namespace

result<manifest> take(store::rocks_backend& disk, const subject& of, const take_options& how,
                      const kith::clock& time, random_source& random) {
  KITH_TRY(prepare(how.to, of.node));
  KITH_ASSIGN(const auto held, lock(how.to));
  KITH_TRY(prepare_secret_directory(store_of(how.to)));
  KITH_TRY(prepare_secret_directory(how.to / "nodes"));
  KITH_TRY(tidy(how.to));
  manifest m;
  m.node = of.node;
  m.node_name = of.name;
  m.kith = of.kith;
  m.when = time.wall();
  KITH_ASSIGN(const auto copy, disk.back_up({store_of(how.to), how.bytes_per_s, how.progress}));
  m.id = copy.id;
  m.position = copy.position;
  m.bytes = copy.bytes;
  m.bytes_new = copy.bytes_new;
  if (auto done = complete(of, how.to, m, random); !done) {
    // Without its manifest it is none: the next one erases what cannot be erased now.
    auto erased = store::backups::erase(store_of(how.to), copy.id);
    auto why = done.error();
    if (!erased) why.context += "; and then: " + erased.error().what();
    return fail(why);
  }
  if (how.keep > 0) {
    const auto all = numbered(how.to);
    for (std::size_t i = 0; i + how.keep < all.size(); ++i) KITH_TRY(erase(how.to, all[i]));
  }
  return m;
}

result<std::vector<listed>> list(const fs::path& dir) {
  std::vector<listed> out;
  for (const auto id : numbered(dir)) {
    auto m = read_manifest(dir, id);
    auto& one = out.emplace_back();
    one.id = id;
    if (m)
      one.is = std::move(*m);
    else
      one.problem = m.error();
  }
  if (out.empty())
    return fail(errc::not_found, "no_backups", "there is no backup in " + dir.string());
  return out;
}

result<manifest> verify(const fs::path& dir, store::backup_id id) {
  if (id == 0) {
    KITH_ASSIGN(id, newest(dir));
  }
  KITH_ASSIGN(const auto m, read_manifest(dir, id));
  // Before the list is believed: it has the checksums of all the others.
  KITH_ASSIGN(const auto digest, digest_of_meta(dir, id));
  if (digest != m.store_digest)
    return fail(errc::corrupt, "backup_damaged",
                naming(dir, id) + ": the list of its files is not what was written; use another "
                                  "backup");
  for (const auto& f : m.files) KITH_TRY(checked_file(dir, id, f));
  KITH_TRY(store::backups::verify(store_of(dir), id));
  return m;
}

result<restored> restore(const fs::path& dir, store::backup_id id, const fs::path& into,
                         random_source& random) {
  KITH_ASSIGN(auto m, verify(dir, id));
  std::error_code ec;
  if (fs::exists(into, ec))
    return fail(errc::exists, "restore_target", into.string() + " is there already");
  KITH_TRY(prepare_secret_directory(into));
  restored out;
  for (const auto& f : m.files) {
    KITH_ASSIGN(auto contents, checked_file(dir, m.id, f));
    if (f.name == "cluster.secret")
      out.cluster_secret = std::move(contents);
    else
      KITH_TRY(write_file(into / f.name, contents.expose(), random));
  }
  KITH_TRY(prepare_secret_directory(into / "store"));
  KITH_TRY(store::backups::restore(store_of(dir), m.id, into / "store", m.position));
  KITH_TRY(
      write_file(into / restored_mark, as_bytes("backup " + std::to_string(m.id) + "\n"), random));
  out.from = std::move(m);
  return out;
}

} // namespace kith::backup
