// Accounts that pay each other, and the scenario that looks whether money is lost or made, whatever
// goes wrong with their nodes. Built as a shared library:
//
//   kith sim --lib bin/accounts.so --seeds 20
#include <kith/kith.hpp>
#include <kith/simulation.hpp>

namespace accounts {

constexpr int at_first = 100;

struct payment {
  kith::did to;
  int amount = 0;
};
KITH_DESCRIBE(payment, to, amount);

struct account : kith::agent {
  using agent::agent;

  void setup() override {
    on("pay", [this](const payment& p) {
      if (p.amount < 1 || p.amount > balance.get()) return; // not from an empty pocket
      balance.set(balance.get() - p.amount);
      tell(p.to, "credit", p.amount);
    });
    on("credit", [this](int amount) { balance.set(balance.get() + amount); });
  }

  kith::durable<int> balance{*this, "balance", at_first};
};
KITH_AGENT(account);

struct paying : kith::simulation::scenario {
  void set_up(world& in) override {
    for (std::size_t n = 0; n < in.nodes(); ++n) all.push_back(in.spawn(n, "account", in.name(n)));
  }
  void work(world& in) override {
    const auto &from = all[in.below(all.size())], &to = all[in.below(all.size())];
    in.tell(from, "pay", payment{to, int(in.below(50))});
  }
  void check(world& in) override {
    int sum = 0;
    for (const auto& a : all) sum += in.stored<int>(a, "balance").value_or(at_first);
    const int expected = at_first * int(all.size());
    in.expect(sum == expected, "there is " + std::to_string(sum) + " in all accounts, not " +
                                   std::to_string(expected));
  }

  std::vector<kith::did> all;
};
KITH_SCENARIO(paying);

} // namespace accounts
