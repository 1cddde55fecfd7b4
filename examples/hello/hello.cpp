// An agent that greets, and remembers how often it did.
//
//   bin/hello up --detach && bin/hello spawn greeter --name ada && bin/hello ask ada greet Grace
#include <kith/kith.hpp>

struct greeter : kith::agent {
  using agent::agent;

  void setup() override {
    advertise("greet", "Greets a person by name");
    on("greet", [this](const std::string& who) {
      visits.set(visits.get() + 1);
      return "hello, " + who;
    });
  }

  kith::durable<int> visits{*this, "visits", 0};
};
KITH_AGENT(greeter);
