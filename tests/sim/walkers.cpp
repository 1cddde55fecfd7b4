#include "tests/sim/walkers.hpp"

#include "tests/sim/walker.hpp"

namespace kith::simulation {

namespace {

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
KITH_AGENT(asking_walker);

constexpr std::size_t agents_each = 2;

} // namespace

void walkers::set_up(cluster& in, random_source&) {
  for (std::size_t n = 0; n < in.size(); ++n)
    for (std::size_t i = 0; i < agents_each; ++i) {
      auto made = in.spawn(n, "asking_walker", in.name(n) + "." + std::to_string(i));
      if (!made) throw std::runtime_error(made.error().what());
      agents_.push_back(*made);
    }
}

// An errand from outside, with an id, given again until it is known to be taken.
void walkers::give(cluster& in, random_source& random) {
  auto e = std::make_shared<order>();
  e->node = std::size_t(random.below(in.size()));
  e->to = agents_[random.below(agents_.size())];
  std::string route;
  for (auto& a : agents_)
    if (random.below(2) == 0) route += (route.empty() ? "\"" : ",\"") + a.text() + "\"";
  auto filler = random.below(20) == 0 ? random.below(100'000) : random.below(200);
  e->payload = R"({"route":[)" + route + R"(],"hops":)" + std::to_string(random.below(4)) +
               R"(,"filler":)" + std::to_string(filler) + "}";
  e->id = ids_.next(1'700'000'000'000, random);
  waiting_.push_back(std::move(e));
}

void walkers::offer(cluster& in) {
  for (auto& e : waiting_) {
    ingress what{e->to, "errand", std::string(json_type), e->payload, e->id};
    what.accepted = [this, e](const ingress::outcome& o) {
      if (o.problem.category == errc::overloaded && !o.problem.code.empty()) return;
      if (std::erase(waiting_, e) == 0) return; // an earlier offer of it was answered
      if (o.problem.code.empty())
        ++accepted_[e->to];
      else
        problems_.push_back("refused: " + o.problem.what());
    };
    in.send(e->node, std::move(what));
  }
}

void walkers::work(cluster& in, random_source& random, bool more) {
  if (more && waiting_.size() < 50) give(in, random);
  if (!more || random.below(10) == 0) offer(in);
}

json walkers::durable_of(cluster& in, const did& agent, std::string_view name) const {
  static constexpr std::size_t head = 3; // of a durable, before its JSON
  auto found = in.cell(agent, name);
  if (!found || found->size() <= head) return {};
  return json::parse(as_text(byte_view(*found).subspan(head))).value_or(json());
}

std::int64_t walkers::number(cluster& in, const did& agent, std::string_view name) const {
  auto value = durable_of(in, agent, name);
  return value.is_null() ? 0 : value.as_int();
}

std::int64_t walkers::number(cluster& in, const did& agent, std::string_view name,
                             const did& of) const {
  auto value = durable_of(in, agent, name);
  return value.is_null() || value[of.text()].is_null() ? 0 : value[of.text()].as_int();
}

// What is given but not done.
std::vector<std::string> walkers::unfinished(cluster& in) {
  std::vector<std::string> out;
  auto expect = [&](const did& a, const std::string& what, std::int64_t is, std::int64_t should) {
    if (is != should)
      out.push_back(a.text() + ": " + what + " is " + std::to_string(is) + " and not " +
                    std::to_string(should));
  };
  if (!waiting_.empty()) out.push_back(std::to_string(waiting_.size()) + " errands not taken");
  for (auto& a : agents_) {
    expect(a, "errands", number(in, a, "errands"), accepted_[a]);
    expect(a, "answered", number(in, a, "answered"), number(in, a, "asked"));
    for (auto& b : agents_)
      expect(a, "got of " + b.text(), number(in, a, "got", b), number(in, b, "sent", a));
  }
  return out;
}

bool walkers::at_rest(cluster& in) { return unfinished(in).empty(); }

std::vector<std::string> walkers::broken(cluster& in) {
  auto out = problems_;
  for (auto& what : unfinished(in)) out.push_back(std::move(what));
  for (auto& a : agents_)
    if (auto wrong = number(in, a, "wrong"); wrong != 0)
      out.push_back(a.text() + ": " + std::to_string(wrong) + " out of order, or answered wrongly");
  return out;
}

} // namespace kith::simulation
