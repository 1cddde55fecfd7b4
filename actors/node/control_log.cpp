// The verb `log_level`: what is logged, changed while the node runs.
#include "actors/node/control_server.hpp"

#include <boost/json.hpp>

namespace kith::control {

namespace bj = boost::json;

namespace {

constexpr std::int64_t for_ms_max = 7LL * 24 * 3600 * 1000;

bj::value levels_of(node_parts& parts) {
  bj::array out;
  for (const auto& [name, level] : parts.logs->levels())
    out.push_back({{"logger", name}, {"level", observe::to_string(level)}});
  return bj::object{{"levels", std::move(out)}};
}

result<void> check_logger(node_parts& parts, const std::string& logger) {
  std::string all;
  for (const auto& [name, level] : parts.logs->levels()) {
    if (name == logger) return {};
    all += (all.empty() ? "" : ", ") + name;
  }
  return fail(errc::not_found, "unknown_logger",
              "no logger is named " + logger + "; there are " + all);
}

// Back to what the settings say. What was ordered later stands.
void back_later(node_parts& parts, const std::string& logger, observe::level configured,
                duration after) {
  auto& timer = parts.log_timers[logger];
  if (timer != 0) parts.reactor.cancel(timer);
  timer = 0;
  if (after == duration(0)) return;
  timer = parts.reactor.after(after, [&parts, logger, configured] {
    parts.log_timers[logger] = 0;
    if (parts.logs->set_level(logger, configured))
      parts.log.info("log level back",
                     {{"logger", logger}, {"level", observe::to_string(configured)}});
  });
}

} // namespace

void log_level(node_parts& parts, const bj::object& args, control_server::reply reply) {
  const auto text = optional_text(args, "level");
  const auto logger = optional_text(args, "logger");
  const auto for_ms = optional_number(args, "for_ms", 0);
  if (!text) return reply(fail(text.error()));
  if (!logger) return reply(fail(logger.error()));
  if (!for_ms) return reply(fail(for_ms.error()));
  if (*for_ms > for_ms_max)
    return reply(fail(errc::invalid, "bad_argument", "argument for_ms is a week at most"));
  if (text->empty()) return reply(levels_of(parts));
  const auto level = observe::parse_level(*text);
  if (!level) return reply(fail(level.error()));
  if (!logger->empty())
    if (auto known = check_logger(parts, *logger); !known) return reply(fail(known.error()));
  const auto configured = observe::parse_level(parts.options.settings.text("log.level"));
  if (!configured) return reply(fail(configured.error()));
  const auto name = logger->empty() ? std::string("*") : *logger;
  if (auto set = parts.logs->set_level(name, *level); !set) return reply(fail(set.error()));
  if (name == "*") // whatever was to go back by itself, is ordered anew with all
    for (const auto& [other, timer] : parts.log_timers)
      if (timer != 0) back_later(parts, other, *configured, duration(0));
  back_later(parts, name, *configured, std::chrono::milliseconds(*for_ms));
  reply(levels_of(parts));
}

} // namespace kith::control
