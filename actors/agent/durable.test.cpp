// Cells over restarts, versions and damage; and the turn's two ends as a host sees them.
#include "actors/agent/host.hpp"
#include "actors/agent/registry.hpp"

#include <catch2/catch.hpp>
#include <kith/test.hpp>

namespace {

using kith::bytes;
using kith::errc;
using kith::test::probe;
using kith::test::stored_cells;

struct point {
  int x = 0;
  int y = 0;
};
KITH_DESCRIBE(point, x, y);

struct counter_v1 : kith::agent {
  using agent::agent;
  void setup() override {
    on("set", [this](int v) { value.set(v), plain = v; });
  }
  kith::durable<int> value{*this, "value", 1};
  int plain = 0;
};

struct counter_v3 : kith::agent {
  using agent::agent;
  void setup() override {
    on("set", [this](int v) { value.set({v, v}); });
  }
  kith::durable<point> value{*this, "value", {}, version{3}, [](int from, const json& old) {
                               if (from == 2) throw std::runtime_error("there was no version 2");
                               return point{int(old.as_int()), -1};
                             }};
};

// Raised its version, and reads the older form as it is.
struct counter_v2 : kith::agent {
  using agent::agent;
  void setup() override {}
  kith::durable<std::int64_t> value{*this, "value", 0, version{2}};
};

struct starter : kith::agent {
  using agent::agent;
  void setup() override { starts.set(starts.get() + 1); }
  kith::durable<int> starts{*this, "starts", 0};
};

template <int How> struct badly_made : kith::agent {
  explicit badly_made(kith::agent_core& core) : agent(core) {
    if (How == 0) value.set(1);
    if (How == 1) on("x", [] {});
  }
  void setup() override {
    if (How == 2) tell(self(), "x");
    if (How == 3) on("x", [] {}), on("x", [] {});
    if (How == 4) kith::durable<int> late(*this, "late", 0);
    if (How == 5) refuse("no");
    if (How == 6) throw std::runtime_error("no");
  }
  kith::durable<int> value{*this, "value", 0};
};

struct twins : kith::agent {
  using agent::agent;
  void setup() override {}
  kith::durable<int> one{*this, "same", 0};
  kith::durable<int> two{*this, "same", 0};
};
struct usurper : kith::agent {
  using agent::agent;
  void setup() override {}
  kith::durable<int> ours{*this, "kith.watches"};
};

bytes cell(std::uint8_t format, std::uint16_t version, std::string_view text) {
  bytes b{format};
  kith::put_u16(b, version);
  kith::append(b, kith::as_bytes(text));
  return b;
}

template <class Agent> std::string failure(stored_cells cells = {}) {
  try {
    probe<Agent> p(std::move(cells));
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "activated";
}

struct bare_host : kith::agent_host {
  kith::result<std::optional<bytes>> load_cell(std::string_view) override {
    if (broken) return kith::fail(errc::io, "disk");
    return std::nullopt;
  }
  kith::uuid make_id() override { return {}; }
  std::uint64_t random() override { return 4; }
  bool admits(kith::emission::type, std::size_t) override { return true; }
  kith::result<kith::did> prepare_agent(std::string_view, std::string_view) override {
    return kith::fail(errc::not_found, "agent_type");
  }
  kith::result<kith::did> resolve_node(std::string_view) override {
    return kith::fail(errc::not_found, "node");
  }
  void log(kith::log_level, std::string_view) override {}
  const kith::timer_table& timers() const override { return no_timers; }
  kith::timer_table no_timers;
  bool broken = false;
};

kith::did someone() { return kith::did::parse("did:example:someone").value(); }

template <class Agent> auto make_in(bare_host& host) {
  return kith::agent_instance::create(
      [](kith::agent_core& core) -> std::unique_ptr<kith::agent> {
        return std::make_unique<Agent>(core);
      },
      {someone(), someone(), ""}, host, 0);
}

struct set_message {
  explicit set_message(std::string value) : text(std::move(value)) {}
  kith::message get() {
    kith::message_fields f;
    f.from = f.to = &who;
    f.kind = "set";
    f.content_type = kith::json_type;
    f.payload = kith::as_bytes(text);
    return kith::message(f);
  }
  kith::did who = someone();
  std::string text;
};

struct listed : kith::agent {
  using agent::agent;
  void setup() override {}
};
KITH_AGENT(listed);
KITH_AGENT_AS(starter, "starts-over");

} // namespace

TEST_CASE("durables survive a restart and plain members do not", "[agent][unit]") {
  probe<counter_v1> p;
  CHECK(p.cells().empty()); // an initial value is not written
  p.tell("set", 9);
  CHECK(p.cells().at("value") == cell(1, 1, "9"));
  CHECK(p.agent().plain == 9);
  p.restart();
  CHECK(p.agent().value.get() == 9);
  CHECK(p.agent().plain == 0);
}

TEST_CASE("what setup changes is stored with the activation", "[agent][unit]") {
  probe<starter> p;
  CHECK(p.stored<int>("starts") == 1);
  p.restart();
  CHECK(p.stored<int>("starts") == 2);
}

TEST_CASE("an older cell is migrated, or read as it is", "[agent][unit]") {
  probe<counter_v1> old;
  old.tell("set", 9);
  probe<counter_v2> second(old.cells());
  CHECK(second.agent().value.get() == 9);
  probe<counter_v3> third(old.cells());
  CHECK(third.agent().value.get().x == 9);
  CHECK(third.agent().value.get().y == -1);
  third.tell("set", 4);
  CHECK(third.cells().at("value") == cell(1, 3, R"({"x":4,"y":4})"));
  third.restart();
  CHECK(third.agent().value.get().y == 4);
}

TEST_CASE("a cell of a newer version refuses the activation", "[agent][unit]") {
  probe<counter_v3> newer;
  newer.tell("set", 4);
  CHECK_THAT(failure<counter_v1>(newer.cells()),
             Catch::Contains("cell_version") && Catch::Contains("version 3"));
  CHECK_THAT(failure<counter_v1>({{"value", cell(2, 1, "9")}}), Catch::Contains("cell_version"));
}

TEST_CASE("a damaged cell refuses the activation", "[agent][unit]") {
  const auto good = cell(1, 1, "91");
  CHECK(failure<counter_v1>({{"value", good}}) == "activated");
  for (std::size_t size = 0; size < 4; ++size)
    CHECK_THAT(failure<counter_v1>({{"value", bytes(good.begin(), good.begin() + long(size))}}),
               Catch::StartsWith("bad_cell"));
  CHECK_THAT(failure<counter_v1>({{"value", cell(1, 1, "\"x\"")}}),
             Catch::Contains("expected an integer"));
  CHECK_THAT(failure<counter_v1>({{"value", cell(1, 0, "1")}}), Catch::StartsWith("bad_cell"));
  CHECK_THAT(failure<counter_v1>({{"value", cell(0, 1, "1")}}), Catch::StartsWith("bad_cell"));
  CHECK_THAT(failure<counter_v3>({{"value", cell(1, 1, "\"x\"")}}), Catch::StartsWith("bad_cell"));
  CHECK_THAT(failure<counter_v3>({{"value", cell(1, 2, "1")}}), Catch::Contains("no version 2"));
}

TEST_CASE("an agent that is badly made is not activated", "[agent][unit]") {
  CHECK_THAT(failure<badly_made<0>>(), Catch::Contains("handler or setup()"));
  CHECK_THAT(failure<badly_made<1>>(), Catch::Contains("setup() only"));
  CHECK_THAT(failure<badly_made<2>>(), Catch::Contains("handlers only"));
  CHECK_THAT(failure<badly_made<3>>(), Catch::Contains("two handlers for x"));
  CHECK_THAT(failure<badly_made<4>>(), Catch::Contains("a member of its agent"));
  CHECK_THAT(failure<badly_made<5>>(), Catch::StartsWith("setup_failed"));
  CHECK_THAT(failure<badly_made<6>>(), Catch::StartsWith("setup_failed"));
  CHECK_THAT(failure<twins>(), Catch::Contains("two durables"));
  CHECK_THAT(failure<usurper>(), Catch::Contains("Kith's own"));
  CHECK(failure<badly_made<7>>() == "activated");
}

TEST_CASE("the host may undo a turn that is done", "[agent][unit]") {
  bare_host host;
  auto made = make_in<counter_v1>(host);
  REQUIRE(made);
  auto& instance = **made;
  const auto value = [&] { return static_cast<counter_v1&>(instance.get()).value.get(); };
  set_message five("5");
  set_message six("6");
  auto& done = instance.run(five.get(), 1);
  REQUIRE(done.cells.size() == 1);
  CHECK(done.cells[0].name == "value");
  CHECK(kith::to_bytes(kith::as_bytes(done.cells[0].bytes)) == cell(1, 1, "5"));
  CHECK_FALSE(done.reply);
  instance.roll_back();
  CHECK(value() == 1);
  instance.run(five.get(), 1);
  instance.commit();
  instance.roll_back();
  CHECK(value() == 5);
  instance.run(five.get(), 1);
  instance.run(six.get(), 1); // commits the one before
  instance.roll_back();
  CHECK(value() == 5);
  CHECK(instance.kinds() == std::vector<std::string>{"set"});
}

TEST_CASE("an answer without a handler is refused", "[agent][unit]") {
  bare_host host;
  auto made = make_in<counter_v1>(host);
  REQUIRE(made);
  auto who = someone();
  kith::answer_fields f;
  f.from = &who;
  auto& done = (*made)->run(kith::answer(f), "gone", 1);
  CHECK(done.status == kith::turn_status::refused);
  CHECK(done.reason == "no answer handler gone");
}

TEST_CASE("a cell that cannot be loaded fails the activation with the store's error",
          "[agent][unit]") {
  bare_host host;
  host.broken = true;
  auto made = make_in<counter_v1>(host);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == "disk");
}

TEST_CASE("registered types are found by their names", "[agent][unit]") {
  CHECK(kith::agent_types::find("listed") != nullptr);
  CHECK(kith::agent_types::find("starts-over") != nullptr);
  CHECK(kith::agent_types::find("starter") == nullptr);
  CHECK(kith::agent_types::names() == std::vector<std::string>{"listed", "starts-over"});
  CHECK(kith::agent_types::check());
  kith::agent_registration twice("listed", kith::agent_types::find("listed"));
  auto checked = kith::agent_types::check();
  REQUIRE_FALSE(checked);
  CHECK(checked.error().context.find("'listed'") != std::string::npos);
}
