#include "tools/kith/restore_node.hpp"

#include "runtime/identity/key_file.hpp"
#include "runtime/store/state_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace kith::cli {
namespace {

namespace fs = std::filesystem;

// Goes with what is in it unless it was moved to its place.
class staging {
public:
  explicit staging(fs::path path) : path_(std::move(path)) {}
  staging(const staging&) = delete;
  ~staging() {
    std::error_code ec;
    fs::remove_all(path_, ec); // if it stays, the next restore says so by its name
  }
  const fs::path& path() const { return path_; }

private:
  fs::path path_;
};

result<> moved(const fs::path& from, const fs::path& to) {
  std::error_code ec;
  fs::rename(from, to, ec);
  if (ec)
    return fail(errc::io, "restore_move",
                "cannot move " + from.string() + " to " + to.string() + ": " + ec.message());
  return {};
}

result<> made_directory(const fs::path& path) {
  std::error_code ec;
  if (fs::is_directory(path, ec)) return {};
  return prepare_secret_directory(path);
}

// That the cluster's secret of the backup is the one of this directory; or becomes it.
result<> settle_secret(const state_dir& dir, const backup::restored& r, random_source& random) {
  if (r.cluster_secret.size() == 0) return {};
  std::error_code ec;
  if (!fs::exists(dir.secret_file(), ec))
    return create_secret_file(dir.secret_file(), r.cluster_secret.expose(), random);
  KITH_ASSIGN(const auto there, load_secret_file(dir.secret_file(), true));
  if (there == r.cluster_secret) return {};
  return fail(errc::conflict, "other_cluster",
              dir.path().string() + " belongs to a cluster with another secret than the backup's; "
                                    "use another --dir, or move its cluster.secret away");
}

// Holds the store of a node that is there, so that none runs on it.
result<store::state_lock> hold(const fs::path& store) {
  std::error_code ec;
  if (!fs::is_directory(store, ec)) return store::state_lock();
  return store::state_lock::take(store, store::state_lock::mode::exclusive);
}

std::string settings_there(const fs::path& node) {
  std::error_code ec;
  const auto file = node / "kith.toml";
  return fs::is_regular_file(file, ec) ? file.string() : std::string();
}

} // namespace

result<restored_node> restore_node(const state_dir& dir, const fs::path& from, store::backup_id id,
                                   const std::string& name, bool force, wall_ms now) {
  system_random random;
  KITH_ASSIGN(const auto m, backup::verify(from, id));
  if (!is_node_name(m.node_name))
    return fail(errc::corrupt, "bad_manifest", "the backup is of a node without a name");
  if (!name.empty() && name != m.node_name)
    return fail(errc::conflict, "other_node",
                "backup " + std::to_string(m.id) + " is of node " + m.node_name + ", not of " +
                    name);
  restored_node out{m, dir.node_dir(m.node_name), {}, false};
  KITH_TRY(made_directory(dir.path()));
  KITH_TRY(made_directory(dir.path() / "nodes"));
  // Also what a node that never started has: its key would be lost.
  std::error_code ec;
  const auto in_use =
      fs::exists(out.node_dir / "store", ec) || fs::exists(out.node_dir / "keys", ec);
  if (in_use && !force)
    return fail(errc::exists, "store_exists",
                out.node_dir.string() +
                    " has a store already; --force moves it aside, or use another --dir");
  KITH_ASSIGN(const auto held, hold(out.node_dir / "store"));

  const staging made(dir.path() / "nodes" / ("." + m.node_name + ".restoring"));
  fs::remove_all(made.path(), ec);
  KITH_ASSIGN(const auto restored, backup::restore(from, m.id, made.path(), random));
  KITH_TRY(settle_secret(dir, restored, random));
  const auto settings = settings_there(out.node_dir);
  if (!settings.empty()) {
    out.kept_settings = true;
    fs::copy_file(settings, made.path() / "kith.toml", fs::copy_options::overwrite_existing, ec);
    if (ec) return fail(errc::io, "restore_move", settings + ": " + ec.message());
  }
  if (fs::exists(out.node_dir, ec)) {
    out.aside = out.node_dir;
    out.aside += ".before-" + std::to_string(now);
    KITH_TRY(moved(out.node_dir, out.aside));
  }
  KITH_TRY(moved(made.path(), out.node_dir));
  const int nodes = ::open((dir.path() / "nodes").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = nodes >= 0 && ::fsync(nodes) == 0;
  if (nodes >= 0) ::close(nodes);
  if (!synced) return fail(errc::io, "restore_move", "cannot sync " + dir.path().string());
  return out;
}

} // namespace kith::cli
