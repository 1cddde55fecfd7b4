// net_http_bench [rounds] [seconds]: both servers in turns, so that a noisy machine is noisy for
// both. Not part of the tests; build the target net_http_bench with the release preset.
#include "runtime/net/bench/http_bench.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

using namespace kith::net::bench;

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  http_load load;
  if (argc > 2) load.seconds = std::atof(argv[2]);
  pin_thread(1);
  std::printf("%.1f KiB added for each of 1000 idle followers\n",
              measure_idle_follower(1000) / 1024);
  std::vector<double> ratios;
  for (int i = 0; i < rounds; ++i) {
    const auto ours = measure_kith_http(load);
    const auto bare = measure_bare_beast(load);
    ratios.push_back(ours.requests_a_second / bare.requests_a_second);
    std::printf("kith %8.0f/s %5.2f us, bare Beast %8.0f/s %5.2f us; %zu and %zu B; ratio %.2f, "
                "of CPU time %.2f\n",
                ours.requests_a_second, ours.server_cpu_us, bare.requests_a_second,
                bare.server_cpu_us, ours.answer_size, bare.answer_size, ratios.back(),
                bare.server_cpu_us / ours.server_cpu_us);
  }
  std::sort(ratios.begin(), ratios.end());
  if (!ratios.empty()) std::printf("median ratio %.2f\n", ratios[ratios.size() / 2]);
  return 0;
}
