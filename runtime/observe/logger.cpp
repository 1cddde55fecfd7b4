// Loggers and their one output. spdlog owns the file and the terminal; the lines are made here.
#include "runtime/observe/log_line.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

namespace kith::observe {
namespace {

constexpr std::string_view level_names[] = {"trace", "debug", "info", "warn", "error", "off"};
constexpr std::size_t component_size_max = 64;

spdlog::level::level_enum spdlog_level(level l) {
  switch (l) {
  case level::trace: return spdlog::level::trace;
  case level::debug: return spdlog::level::debug;
  case level::info: return spdlog::level::info;
  case level::warn: return spdlog::level::warn;
  case level::error: return spdlog::level::err;
  case level::off: break;
  }
  return spdlog::level::off;
}

} // namespace

std::string_view to_string(level l) {
  return level_names[std::min<std::size_t>(std::size_t(l), std::size_t(level::off))];
}

result<level> parse_level(std::string_view text) {
  for (std::size_t i = 0; i < std::size(level_names); ++i)
    if (text == level_names[i]) return level(i);
  return fail(errc::invalid, "bad_level",
              "\"" + std::string(text.substr(0, 50)) +
                  "\" is no log level; use trace, debug, info, warn, error or off");
}

struct logger::output {
  // What `name` is set to, made if it is new. Under the lock.
  state& component(std::string_view name) {
    name = name.substr(0, component_size_max);
    if (const auto found = components.find(name); found != components.end()) return found->second;
    if (components.size() >= log_hub::components_max) name = "other";
    state& made = components[std::string(name)]; // at most one more than the limit
    if (made.name.empty()) {
      made.name = name;
      made.threshold = threshold;
    }
    return made;
  }

  // Set before the first logger is made.
  log_format format = log_format::text;
  bool colour = false;
  const clock* time = nullptr;
  system_clock own_time;
  spdlog::sink_ptr file; // or else:
  std::function<void(std::string_view)> sink;

  std::mutex lock; // guards what follows; a component's threshold is read without it
  level threshold = level::info;
  std::map<std::string, state, std::less<>> components;
  std::atomic<std::uint64_t> lost{0};
  std::mutex sink_lock; // held while `sink` runs
};

void logger::write(level l, std::string_view message, fields f) const {
  const clock& time = out_->time ? *out_->time : out_->own_time;
  const log_entry entry{time.wall(), l, inner_->name, message, f};
  const std::string line =
      out_->format == log_format::json ? json_line(entry) : text_line(entry, out_->colour);
  if (out_->sink) {
    const std::lock_guard hold(out_->sink_lock);
    return out_->sink(line);
  }
  // The time is in the line already; handing one in keeps spdlog from reading a clock.
  const spdlog::details::log_msg msg(spdlog::log_clock::time_point{}, spdlog::source_loc{},
                                     inner_->name, spdlog_level(l), line);
  try {
    out_->file->log(msg);
    out_->file->flush();
  } catch (const spdlog::spdlog_ex&) {
    // The log's disk is full or gone. There is nowhere to say so, and work must not stop for it.
    out_->lost.fetch_add(1, std::memory_order_relaxed);
  }
}

logger logger::component(std::string_view name) const {
  if (!out_) return {};
  const std::lock_guard hold(out_->lock);
  return logger(out_, &out_->component(name));
}

result<log_hub> log_hub::open(log_options options) {
  auto out = std::make_shared<logger::output>();
  out->format = options.format;
  out->threshold = options.threshold;
  out->time = options.time;
  out->sink = std::move(options.sink);
  if (!out->sink) {
    try {
      if (options.file.empty())
        out->file = std::make_shared<spdlog::sinks::stderr_sink_mt>();
      else
        out->file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    } catch (const spdlog::spdlog_ex& e) {
      return fail(errc::io, "log_file", "cannot log to " + options.file + ": " + e.what());
    }
    out->file->set_pattern("%v");
    out->colour =
        options.format == log_format::text && options.file.empty() && ::isatty(STDERR_FILENO) == 1;
  }
  return log_hub(std::move(out));
}

logger log_hub::get(std::string_view component) const {
  const std::lock_guard hold(out_->lock);
  return logger(out_, &out_->component(component));
}

result<> log_hub::set_level(std::string_view component, level l) {
  const std::lock_guard hold(out_->lock);
  if (component == "*") {
    out_->threshold = l;
    for (auto& [name, state] : out_->components) state.threshold = l;
    return {};
  }
  logger::state& found = out_->component(component);
  if (found.name != component.substr(0, component_size_max))
    return fail(errc::too_large, "too_many_components",
                "there are " + std::to_string(components_max) + " log components already");
  found.threshold = l;
  return {};
}

std::vector<std::pair<std::string, level>> log_hub::levels() const {
  const std::lock_guard hold(out_->lock);
  std::vector<std::pair<std::string, level>> all;
  for (const auto& [name, state] : out_->components) all.emplace_back(name, state.threshold);
  return all;
}

std::uint64_t log_hub::lost() const { return out_->lost.load(std::memory_order_relaxed); }

} // namespace kith::observe
