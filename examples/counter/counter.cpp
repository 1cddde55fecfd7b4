// A number that survives: it is stored with the message that changed it, so that after `kill -9` no
// change is lost, and none is made twice, however often a message is sent again with the same id.
//
//   bin/counter spawn counter --name c
//   bin/counter send c add --json-payload 5
//   bin/counter ask c get
#include <kith/kith.hpp>

struct counter : kith::agent {
  using agent::agent;

  void setup() override {
    advertise("add", "Adds a number, and answers the new value");
    advertise("get", "Answers the value");
    advertise("reset", "Makes it 0 again");
    on("add", [this](std::int64_t n) {
      std::int64_t sum = 0;
      if (__builtin_add_overflow(value.get(), n, &sum))
        refuse("the sum would not fit into 64 bits");
      value.set(sum);
      return sum;
    });
    on("get", [this] { return value.get(); });
    on("reset", [this] { value.set(0); });
  }

  kith::durable<std::int64_t> value{*this, "value", 0};
};
KITH_AGENT(counter);
