#include "actors/simulation/walkers.hpp"

#include "actors/simulation/walker.hpp"

namespace kith::simulation {

namespace {

constexpr std::string_view type_name = "simulated_walker";
constexpr std::size_t agents_each = 2;
constexpr std::size_t waiting_max = 50; // errands that no node has taken

// One that asks, too, and counts the answers.
struct asking_walker final : walker {
  using walker::walker;

  void also(const std::string& to, int number) override {
    if (number % 4 != 2) return;
    asked.set(asked.get() + 1);
    auto context = std::to_string(number);
    ask(to, "double", number, then{"doubled"}, {.context = context});
  }
  void setup() override {
    walker::setup();
    on("double", [](int n) { return 2 * n; });
    on_answer("doubled", [this](const answer& a) {
      answered.set(answered.get() + 1);
      // Cut off for too long, or a clock jumped over the deadline.
      if (a.status() == ask_status::timeout || a.status() == ask_status::expired) return;
      if (!a.ok() || a.as<int>() != 2 * std::stoi(std::string(a.context())))
        wrong.set(wrong.get() + 1);
    });
  }
  durable<int> asked{*this, "asked"}, answered{*this, "answered"};
};

} // namespace

walkers::walkers() {
  static const agent_registration once(type_name, [](agent_core& core) -> std::unique_ptr<agent> {
    return std::make_unique<asking_walker>(core);
  });
}

void walkers::set_up(world& in) {
  for (std::size_t n = 0; n < in.nodes(); ++n)
    for (std::size_t i = 0; i < agents_each; ++i)
      agents_.push_back(in.spawn(n, std::string(type_name), in.name(n) + "." + std::to_string(i)));
}

void walkers::work(world& in) {
  // Five errands a second, each of up to twelve notes: a third of a run is signatures even so.
  if (in.waiting() >= waiting_max || in.below(2) == 0) return;
  errand e;
  auto& to = agents_[in.below(agents_.size())];
  for (auto& a : agents_)
    if (in.below(2) == 0) e.route.push_back(a.text());
  e.filler = int(in.below(40) == 0 ? in.below(100'000) : in.below(200));
  e.hops = int(in.below(4));
  in.tell(to, "errand", e);
  ++errands_[to];
}

void walkers::check(world& in) {
  auto expect = [&](const did& a, const std::string& what, std::int64_t is, std::int64_t should) {
    in.expect(is == should, a.text() + ": " + what + " is " + std::to_string(is) + " and not " +
                                std::to_string(should));
  };
  auto number = [&](const did& a, std::string_view name) {
    return in.stored<std::int64_t>(a, name).value_or(0);
  };
  using counts = std::map<std::string, std::int64_t>;
  std::map<did, counts> sent, got;
  for (auto& a : agents_) {
    sent[a] = in.stored<counts>(a, "sent").value_or(counts{});
    got[a] = in.stored<counts>(a, "got").value_or(counts{});
  }
  for (auto& a : agents_) {
    expect(a, "errands", number(a, "errands"), errands_[a]);
    expect(a, "answered", number(a, "answered"), number(a, "asked"));
    expect(a, "out of order, or answered wrongly,", number(a, "wrong"), 0);
    for (auto& b : agents_) expect(a, "got of " + b.text(), got[a][b.text()], sent[b][a.text()]);
  }
}

} // namespace kith::simulation
