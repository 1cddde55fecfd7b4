// An agent type for `kith --lib`, as somebody else would build it: this file alone, as a shared
// library that has none of Kith in it.
#include <kith/kith.hpp>

namespace {

struct tally : kith::agent {
  using agent::agent;
  void setup() override {
    on("add", [this](int n) {
      sum.set(sum.get() + n);
      return sum.get();
    });
  }
  kith::durable<int> sum{*this, "sum", 0};
};
KITH_AGENT(tally);

} // namespace
