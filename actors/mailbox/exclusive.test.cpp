// Exclusive agents: what waits for their handlers, and the call chain that does not.
#include "actors/mailbox/test_support.hpp"

#include <kith/kith.hpp>

using namespace kith;
using namespace kith::testing;
using store::table;

namespace {

struct call {
  std::vector<std::string> path; // whom to ask next, for the rest of it
  std::int64_t pause_ms = 0;     // before that
};
KITH_DESCRIBE(call, path, pause_ms);

// Made outside of the coroutines: GCC 12 cannot do so in one.
call call_of(const did& whom) { return {{whom.text()}, 0}; }

struct caller : kith::agent {
  using agent::agent;
  void note(std::string text) {
    log.update([&](auto& l) { l.push_back(std::move(text)); });
  }
  kith::task<std::string> pass_on(call c) {
    const std::string left = std::to_string(c.path.size());
    note("in " + left);
    if (c.pause_ms > 0) co_await sleep(c.pause_ms);
    std::string below = "end";
    if (!c.path.empty()) {
      const auto next = c.path.front();
      c.path.erase(c.path.begin());
      const auto a = co_await ask<std::string>(next, "call", c, 5000);
      below = a.ok() ? a.value() : std::string(to_string(a.status()));
    }
    note("out " + left);
    co_return left + ">" + below;
  }
  void setup() override {
    on("call", [this](const call& c) { return pass_on(c); });
    on("call all", [this](const call& c) -> kith::task<> { // through each, and back
      const auto back = call_of(self());
      auto one = ask<std::string>(c.path.at(0), "call", back, 5000);
      auto two = ask<std::string>(c.path.at(1), "call", back, 5000);
      note("in all");
      co_await kith::all(std::move(one), std::move(two));
      note("out all");
    });
    on("tell and call", [this](const call& c) -> kith::task<std::string> {
      tell(c.path.front(), "say", "before");
      co_return co_await pass_on(c);
    });
    on("call teller", [this](const call& c) -> kith::task<> {
      note("in");
      const auto a =
          co_await ask<std::string>(c.path.at(0), "tell and call", call_of(self()), 5000);
      note("out " + std::string(to_string(a.status())));
    });
    on("say", [this](const std::string& text) { note(text); });
    on("set alarm", [this](int ms) { after("alarm", ms, "say", "alarm"); });
  }
  kith::durable<std::vector<std::string>> log{*this, "log"};
};
KITH_AGENT(caller);

struct single_caller : caller {
  using caller::caller;
  static constexpr bool exclusive = true;
};
KITH_AGENT(single_caller);

// One exclusive agent, and others on both nodes.
struct chain_world : test_world {
  did from = a.spawn("recorder"), one = a.spawn("single_caller");
  did here = a.spawn("caller"), there = b.spawn("caller");

  void order(const did& to, std::vector<did> path, std::int64_t pause_ms = 0,
             std::string kind = "call") {
    call c{{}, pause_ms};
    for (const auto& d : path) c.path.push_back(d.text());
    a.tell(from, to, std::move(kind), encode(c).payload, json_type);
  }
  void say(const std::string& text) { a.tell(from, one, "say", text); }
  void pass(std::int64_t ms) {
    time.advance(std::chrono::milliseconds(ms));
    settle();
  }
  void restart_both() {
    for (auto* n : {&a, &b}) {
      n->crash();
      n->restart();
    }
  }
  std::string log() { return a.cell(one, "log"); }
  // The open ask of `one` to `there`.
  uuid asked() {
    for (const auto& f : sent)
      if (f.stream.from == one && f.what.kind() == "call") return f.what.id();
    FAIL("it did not ask");
    return {};
  }
  // Sends `one` a message of some agent there that says it is part of this chain.
  void claim(std::string_view text, const std::vector<uuid>& chain) {
    const auto liar = b.spawn("caller");
    envelope_fields f;
    f.id.octets.fill(std::uint8_t(++claims));
    const auto from_text = liar.text(), to_text = one.text();
    f.from = from_text;
    f.to = to_text;
    f.kind = "say";
    f.content_type = text_type;
    f.payload = as_bytes(text);
    f.created = time.wall();
    f.wants_answer = true;
    f.incarnation = 5;
    f.seq = 1;
    f.chain = chain;
    REQUIRE(envelope::check(f));
    REQUIRE(deliver({{liar, one, lane::request, 5}, envelope::build(f)}));
    settle();
  }
  int claims = 0;
};

} // namespace

TEST_CASE("who is asked by an exclusive agent may ask it back at once, while all others wait",
          "[mailbox][unit]") {
  chain_world w;
  SECTION("by way of an agent of its node") { w.order(w.one, {w.here, w.one}); }
  SECTION("by way of another node") { w.order(w.one, {w.there, w.one}); }
  SECTION("by way of several") { w.order(w.one, {w.there, w.here, w.one}); }
  SECTION("by itself") { w.order(w.one, {w.one}); }
  w.say("other");
  w.settle();
  const auto log = w.log();
  INFO(log);
  CHECK(log.find(R"(,"in 0","out 0","out )") != std::string::npos);
  CHECK(log.ends_with(R"(,"other"])"));
  CHECK(w.a.count(table::state, {'e'}) + w.b.count(table::state, {'e'}) == 0);
}

TEST_CASE("an exclusive agent in the middle of a chain is re-entered too", "[mailbox][unit]") {
  chain_world w;
  w.order(w.here, {w.one, w.there, w.one, w.there, w.one}, 100);
  w.settle();
  w.pass(100);
  w.say("other");
  for (int i = 0; i < 5; ++i) w.pass(100);
  CHECK(w.log() == R"(["in 4","in 2","in 0","out 0","out 2","out 4","other"])");
}

TEST_CASE("a call chain is known again after a restart", "[mailbox][unit]") {
  chain_world w;
  w.order(w.one, {w.there, w.one, w.there, w.one}, 100);
  w.settle();
  w.say("other");
  w.settle();
  CHECK(w.log() == R"(["in 4"])");
  for (int hop = 0; hop < 5; ++hop) {
    w.restart_both();
    w.settle();
    w.pass(100);
  }
  CHECK(w.log() == R"(["in 4","in 2","in 0","out 0","out 2","out 4","other"])");
}

TEST_CASE("what belongs to another chain is not let in", "[mailbox][unit]") {
  chain_world w;
  w.order(w.one, {w.there}, 100);
  w.settle();
  w.pass(100); // now `there` pauses
  REQUIRE(w.log() == R"(["in 1"])");
  std::string then;
  SECTION("that of another handler") {
    w.order(w.here, {w.there, w.one});
    w.settle();
    then = R"("in 0","out 0")";
  }
  SECTION("one that nobody began") {
    uuid invented;
    invented.octets.fill(9);
    w.claim("claim", {invented});
    then = R"("claim")";
  }
  CHECK(w.log() == R"(["in 1"])");
  w.pass(100);
  CHECK(w.log() == R"(["in 1","out 1",)" + then + "]");
}

TEST_CASE("an open ask is a chain's key, and alone not of a second handler that waits",
          "[mailbox][unit]") {
  chain_world w;
  w.order(w.one, {w.there, w.one, w.there}, 100);
  w.settle();
  w.pass(100);
  const auto outer = w.asked();
  w.claim("first", {outer}); // whoever was told it is asked on behalf of it
  CHECK(w.log() == R"(["in 3","first"])");
  w.pass(100); // the re-entered handler waits, too
  CHECK(w.log() == R"(["in 3","first","in 1"])");
  w.claim("second", {outer});
  CHECK(w.log() == R"(["in 3","first","in 1"])");
  for (int i = 0; i < 3; ++i) w.pass(100);
  CHECK(w.log() == R"(["in 3","first","in 1","out 1","second","out 3"])");
}

TEST_CASE("a chain whose ask is over opens nothing", "[mailbox][unit]") {
  chain_world w;
  w.order(w.one, {w.there});
  w.settle();
  REQUIRE(w.log() == R"(["in 1","out 1"])");
  const auto old = w.asked();
  w.order(w.one, {w.there}, 100);
  w.settle();
  w.claim("late", {old});
  CHECK(w.log() == R"(["in 1","out 1","in 1"])");
  w.pass(100);
  w.pass(100);
  CHECK(w.log() == R"(["in 1","out 1","in 1","out 1","late"])");
}

TEST_CASE("of two branches that come back one waits for the other's end", "[mailbox][unit]") {
  chain_world w;
  w.order(w.one, {w.here, w.there}, 0, "call all");
  w.settle();
  CHECK(w.log() == R"(["in all","in 0","out 0","in 0","out 0","out all"])");
}

TEST_CASE("a chain re-enters behind what stands before it in its stream", "[mailbox][unit]") {
  chain_world w;
  w.order(w.one, {w.there}, 0, "call teller");
  w.settle();
  CHECK(w.log() == R"(["in"])"); // what was told waits, and the question behind it
  w.pass(5000);
  w.pass(5000);
  CHECK(w.log() == R"(["in","out timeout","before"])");
}

TEST_CASE("a chain past its longest has lost its outermost ask", "[mailbox][unit]") {
  for (std::size_t between : {envelope::chain_count_max, envelope::chain_count_max + 1}) {
    chain_world w;
    std::vector<did> path(between, w.here);
    path.push_back(w.one);
    w.order(w.one, path);
    w.settle();
    const bool known = between == envelope::chain_count_max;
    CHECK((w.log().find(R"("in 0")") != std::string::npos) == known);
    w.pass(5000);
    CHECK((w.log().find(R"("in 0")") != std::string::npos) == known);
    CHECK(w.a.count(table::state, {'e'}) == 0);
  }
}

TEST_CASE("timers and volatile messages wait for an exclusive agent's handler, too",
          "[mailbox][unit]") {
  chain_world w;
  w.a.tell(w.from, w.one, "set alarm", "100", json_type);
  w.settle();
  w.order(w.one, {}, 1000);
  w.settle();
  ingress quick;
  quick.to = w.one;
  quick.kind = "say";
  quick.content_type = std::string(text_type);
  quick.payload = "quick";
  quick.quality = qos::at_most_once;
  quick.accepted = [](const ingress::outcome& o) { CHECK(o.problem.code == ""); };
  w.a.box(w.from).ingress(std::move(quick));
  w.pass(500);
  CHECK(w.log() == R"(["in 0"])");
  CHECK(w.a.box(w.one).take_unchained_taken().count == 0); // it still counts against the gate
  w.pass(600);
  CHECK(w.log() == R"(["in 0","out 0","alarm","quick"])");
  CHECK(w.a.box(w.one).take_unchained_taken().count == 1);
}
