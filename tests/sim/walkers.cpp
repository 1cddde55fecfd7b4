#include "tests/sim/walkers.hpp"

namespace kith::simulation {

namespace {

struct stroll_note {
  int number = 0; // counts what the sender told this recipient
  int hops = 0;   // to be passed on so often
  std::string filler;
};
KITH_DESCRIBE(stroll_note, number, hops, filler);
struct stroll {
  std::vector<std::string> route;
  int hops = 0;
  int filler = 0;
};
KITH_DESCRIBE(stroll, route, hops, filler);

// Tells the others numbered notes, asks them now and then, and counts what comes from each. Each
// note and each answer is counted in the same turn that sends what follows from it.
struct stroller : agent {
  using agent::agent;

  void pass(int hops, std::string filler) {
    if (route.get().empty()) return;
    auto to = route.get()[std::size_t(turns.get()) % route.get().size()];
    int number = 0;
    sent.update([&](auto& s) { number = s[to]++; });
    auto quality = number % 3 == 1 ? qos::at_least_once : qos::exactly_once;
    auto whom = did::parse(to).value();
    tell(whom, "note", stroll_note{number, hops, std::move(filler)}, {quality});
    if (number % 4 == 2) {
      asked.set(asked.get() + 1);
      auto context = std::to_string(number);
      ask(whom, "double", number, then{"doubled"}, {.context = context});
    }
  }
  void setup() override {
    on("stroll", [this](const stroll& s) {
      errands.set(errands.get() + 1);
      turns.set(turns.get() + 1);
      route.set(s.route);
      for (int i = 0; i < 3; ++i) pass(s.hops, std::string(std::size_t(s.filler), 'x'));
    });
    on("note", [this](const stroll_note& n, const message& m) {
      turns.set(turns.get() + 1);
      got.update([&](auto& g) {
        if (g[m.from().text()]++ != n.number) wrong.set(wrong.get() + 1);
      });
      if (n.hops > 0) pass(n.hops - 1, n.filler);
      if (turns.get() % 13 == 5 && thrown != turns.get())
        throw std::runtime_error(std::to_string(thrown = turns.get()));
    });
    on("double", [](int n) { return 2 * n; });
    on_answer("doubled", [this](const answer& a) {
      answered.set(answered.get() + 1);
      // Cut off for too long, or a clock jumped over the deadline.
      if (a.status() == ask_status::timeout || a.status() == ask_status::expired) return;
      if (!a.ok() || a.as<int>() != 2 * std::stoi(std::string(a.context())))
        wrong.set(wrong.get() + 1);
    });
  }
  int thrown = 0; // forgotten by a crash, kept when a turn is undone
  durable<std::vector<std::string>> route{*this, "route"};
  durable<std::map<std::string, int>> sent{*this, "sent"}, got{*this, "got"};
  durable<int> errands{*this, "errands"}, turns{*this, "turns"}, wrong{*this, "wrong"};
  durable<int> asked{*this, "asked"}, answered{*this, "answered"};
};
KITH_AGENT(stroller);

constexpr std::size_t agents_each = 2;

} // namespace

void walkers::set_up(cluster& in, random_source&) {
  for (std::size_t n = 0; n < in.size(); ++n)
    for (std::size_t i = 0; i < agents_each; ++i) {
      auto made = in.spawn(n, "stroller", in.name(n) + "." + std::to_string(i));
      if (!made) throw std::runtime_error(made.error().what());
      agents_.push_back(*made);
    }
}

// An errand from outside, with an id, given again until it is known to be taken.
void walkers::give(cluster& in, random_source& random) {
  auto e = std::make_shared<errand>();
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
    ingress what{e->to, "stroll", std::string(json_type), e->payload, e->id};
    what.accepted = [this, e](const ingress::outcome& o) {
      if (o.problem.code == "overloaded" || o.problem.category == errc::overloaded) return;
      if (!o.problem.code.empty()) problems_.push_back("refused: " + o.problem.what());
      if (std::erase(waiting_, e) > 0) ++accepted_[e->to];
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
