// The verbs `backup`, `verify` and `store_work`: what takes long with the store begins by one, and
// is looked at by the last.
#include "actors/node/control_server.hpp"
#include "actors/node/store_work.hpp"

#include <boost/json.hpp>

namespace kith::control {

namespace bj = boost::json;

namespace {

constexpr std::int64_t rate_min = 64 << 10; // bytes a second: a stop waits for a megabyte of them

using work = kith::store_work; // the class, not the verb

bj::object as_json(const work::report& r) {
  using state = work::state;
  static constexpr const char* names[] = {"none", "running", "done", "failed"};
  bj::object o;
  o["state"] = names[std::size_t(r.state)];
  if (r.state == state::none) return o;
  const bool is_backup = r.what == work::kind::backup;
  o["what"] = is_backup ? "backup" : "verify";
  o["bytes_done"] = r.bytes;
  o["started_ms"] = r.started;
  if (r.state != state::running) o["ended_ms"] = r.ended;
  if (is_backup) o["to"] = r.to.string();
  if (r.state == state::failed)
    o["error"] = {
        {"category", to_string(r.why.category)}, {"code", r.why.code}, {"context", r.why.context}};
  if (r.state != state::done) return o;
  if (is_backup) {
    o["id"] = r.made.id;
    o["node"] = r.made.node.text();
    o["position"] = r.made.position;
    o["bytes"] = r.made.bytes;
    o["bytes_new"] = r.made.bytes_new;
    return o;
  }
  o["position"] = r.checked.position;
  o["files"] = r.checked.files;
  bj::array damage;
  for (const auto& d : r.checked.damage) damage.push_back({{"file", d.file}, {"what", d.what}});
  o["damage"] = std::move(damage);
  return o;
}

result<work*> work_of(node_parts& parts) {
  if (!parts.work)
    return fail(errc::unsupported, "no_store_files", "the store of this node is not on a disk");
  return parts.work.get();
}

// Says in the log how it ended.
std::function<void(const work::report&)> noting(node_parts& parts) {
  return [log = parts.log.component("store")](const work::report& r) {
    const std::string what = r.what == work::kind::backup ? "backup" : "verification";
    if (r.state == work::state::failed) return log.error(what + " failed", r.why);
    if (r.what == work::kind::backup)
      return log.info("backup made", {{"to", r.to.string()},
                                      {"id", r.made.id},
                                      {"position", r.made.position},
                                      {"bytes_new", r.made.bytes_new}});
    for (const auto& d : r.checked.damage)
      log.error("the store is damaged", {{"file", d.file}, {"what", d.what}});
    log.info("store verified", {{"files", r.checked.files}, {"damaged", r.checked.damage.size()}});
  };
}

} // namespace

void backup(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto begin = [&]() -> result<bj::value> {
    KITH_ASSIGN(auto* doing, work_of(parts));
    KITH_ASSIGN(const auto to, text_argument(args, "to"));
    KITH_ASSIGN(const auto keep, optional_number(args, "keep", 0));
    KITH_ASSIGN(const auto rate, optional_number(args, "bytes_per_s", 0));
    if (keep < 0 || (rate != 0 && rate < rate_min))
      return fail(errc::invalid, "bad_argument",
                  "keep is not negative, and bytes_per_s 0 or at least " +
                      std::to_string(rate_min));
    const std::filesystem::path where(to);
    if (!where.is_absolute())
      return fail(errc::invalid, "bad_argument", "to is an absolute path, and not " + to);
    auto secret = parts.options.settings.text("cluster.secret_file");
    kith::backup::subject of{parts.self(), parts.name, parts.options.dir,
                             secret.empty() ? parts.options.dir / "cluster.secret"
                                            : std::filesystem::path(secret),
                             KITH_VERSION};
    KITH_TRY(doing->begin_backup(
        std::move(of), {where, std::uint64_t(keep), std::uint64_t(rate), {}}, noting(parts)));
    return bj::value(as_json(doing->look()));
  };
  reply(begin());
}

void verify(node_parts& parts, const bj::object&, control_server::reply reply) {
  auto begin = [&]() -> result<bj::value> {
    KITH_ASSIGN(auto* doing, work_of(parts));
    KITH_TRY(doing->begin_verification(noting(parts)));
    return bj::value(as_json(doing->look()));
  };
  reply(begin());
}

void store_work(node_parts& parts, const bj::object&, control_server::reply reply) {
  auto doing = work_of(parts);
  if (!doing) return reply(fail(doing.error()));
  const auto seen = (*doing)->look();
  if (seen.state == work::state::failed) return reply(fail(seen.why));
  reply(bj::value(as_json(seen)));
}

} // namespace kith::control
