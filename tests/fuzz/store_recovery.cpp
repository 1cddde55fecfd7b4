// A store as a node left it, with every kind of record that a mailbox has, after the input has
// changed, cut, lost, swapped or invented some of it: recovered by the mailboxes themselves. Each
// opens, or refuses with an error that says what is wrong; twice the same. What opened goes on for
// a while, is closed and opens again. Never a crash, nor more time or memory than the runner's
// limits.
#include "runtime/schedule/timer_record.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/store_world.hpp"

#include <cstdio>
#include <cstdlib>
#include <kith/kith.hpp>
#include <set>

using namespace kith;
using store::table;

namespace {

void require(bool holds, int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "store_recovery.cpp:%d: does not hold\n", line);
  std::abort();
}

struct order {
  std::string to, kind, text;
};
KITH_DESCRIBE(order, to, kind, text);

// Does what leaves records of each kind.
struct resident : kith::agent {
  using agent::agent;
  void setup() override {
    on("note", [this](const std::string& text) {
      seen.update([&](auto& s) { s.push_back(text); });
      return text;
    });
    on("tell", [this](const order& o) { tell(o.to, o.kind, o.text); });
    on("ask", [this](const order& o) {
      ask(o.to, o.kind, o.text, then{"answered"}, {.deadline_ms = 5000, .context = "c"});
    });
    on("fail", [](const std::string&) { throw std::runtime_error("always"); });
    on("watch", [this](const std::string& who) { watch(who); });
    on("alarm", [this](const std::string& id) { every(id, 60'000, "note", std::string("ring")); });
    on("wait", [this](const order& o) -> kith::task<std::string> {
      const auto paid = co_await once("pay", [](std::string_view) { return 1; });
      auto [a, b] = co_await kith::all(question(o), nap());
      co_return a + std::to_string(paid + b);
    });
    on_answer("answered", [this](const answer& a) {
      seen.update([&](auto& s) { s.push_back(std::string(a.ok() ? a.text() : a.reason())); });
    });
  }
  kith::task<std::string> question(order o) {
    auto a = co_await ask<std::string>(o.to, o.kind, o.text);
    co_return a.ok() ? a.value() : a.reason();
  }
  kith::task<int> nap() {
    co_await sleep(60'000);
    co_return 1;
  }
  kith::durable<std::vector<std::string>> seen{*this, "seen"};
};
KITH_AGENT(resident);

secret_key key_of(std::uint8_t n) {
  byte_array<32> seed{};
  seed.fill(n);
  return secret_key::from_seed(seed);
}
const did& id_of(std::uint8_t n) {
  static const did all[] = {key_of(1).did(), key_of(2).did(), key_of(3).did(), key_of(4).did()};
  return all[n - 1];
}
constexpr std::uint8_t first = 1, second = 2, outside = 3, far = 4;

std::map<did, tenant> tenants() {
  std::map<did, tenant> out;
  for (auto n : {first, second, outside}) {
    tenant t;
    t.self = id_of(n);
    t.incarnation = n;
    if (n != outside) {
      t.key = std::make_shared<const secret_key>(key_of(n));
      t.type = "resident";
    } else {
      t.spoken_for = delegation::make(key_of(n), id_of(first), 1,
                                      manual_clock().wall() + delegation::lifetime_ms);
    }
    out.emplace(t.self, t);
  }
  return out;
}

void tell(fuzz::node& n, std::uint8_t from, std::uint8_t to, std::string kind, std::string payload,
          std::string_view type = "text/plain") {
  ingress r;
  r.to = id_of(to);
  r.kind = std::move(kind);
  r.content_type = type;
  r.payload = std::move(payload);
  r.accepted = [](const ingress::outcome& o) { require(o.problem.code.empty()); };
  n.box(id_of(from))->ingress(std::move(r));
}
void give(fuzz::node& n, std::uint8_t to, const std::string& kind, std::uint8_t whom,
          const std::string& what) {
  tell(n, to, to, kind,
       R"({"to":")" + id_of(whom).text() + R"(","kind":")" + what + R"(","text":"x"})",
       "application/json");
}
// From another node.
void arrive(fuzz::node& n, std::uint8_t to, int count) {
  arrival a;
  a.stream = {id_of(far), id_of(to), lane::request, 9};
  digest previous{};
  for (int i = 1; i <= count; ++i) {
    envelope_fields f;
    f.id.octets.fill(std::uint8_t(i));
    f.from = id_of(far).text();
    f.to = id_of(to).text();
    f.kind = "note";
    f.content_type = "text/plain";
    f.payload = as_bytes("far");
    f.created = n.time.wall();
    f.incarnation = 9;
    f.seq = sequence(i);
    f.previous = previous;
    auto e = envelope::build(f);
    previous = e.hash();
    a.items.push_back({verifier::stored(e, previous), 3'600'000});
  }
  n.box(id_of(to))->arrived(a);
}

records::agent_record agent_record_of(const tenant& t) {
  records::agent_record r;
  r.agent = t.self;
  r.type = t.type;
  r.incarnation = t.incarnation;
  r.sealed_key = bytes(48, 7);
  r.home = id_of(first);
  r.owner = id_of(outside);
  return r;
}

// What a node leaves that stopped in the middle of everything.
std::vector<fuzz::stored> left_behind() {
  fuzz::node n(tenants());
  for (const auto& [agent, t] : n.tenants()) {
    n.put({{table::state, keys::agent(keys::of(agent)), records::encode(agent_record_of(t))}});
    require(n.activate(agent, false).has_value());
  }
  n.put({{table::state, keys::node(), records::encode(records::node_record{id_of(first)})},
         {table::state, keys::peer(keys::of(id_of(far))),
          records::encode(records::peer_record{id_of(far), {"10.0.0.2:4001"}, 7, 1})}});
  tell(n, first, second, "note", "0");
  tell(n, first, first, "watch", id_of(second).text());
  tell(n, first, first, "alarm", "each minute");
  tell(n, first, first, "fail", "");
  give(n, first, "wait", far, "note");
  give(n, first, "tell", far, "note");
  give(n, first, "ask", far, "note");
  give(n, first, "tell", outside, "note");
  give(n, second, "wait", far, "note");
  arrive(n, first, 3);
  for (int i = 0; i < 20; ++i) { // until what fails is dead, and before a deadline
    n.run(100);
    n.time.advance(std::chrono::milliseconds(200));
  }
  for (int i = 1; i < 4; ++i) tell(n, first, second, "note", std::to_string(i));
  arrive(n, second, 3);
  while (n.turn(id_of(first))) {
  }
  n.stop();
  n.restart(); // and stops again behind a mark, or some
  for (const auto& [agent, t] : n.tenants()) require(n.activate(agent, true).has_value());
  const auto mark = keys::prefix(keys::mark(keys::of(id_of(second)), {}), keys::agent_prefix_size);
  for (int i = 0; i < 100 && !n.has(mark); ++i)
    if (!n.turn(id_of(second))) n.time.advance(std::chrono::milliseconds(100));
  std::set<char> kinds;
  auto all = n.all();
  for (const auto& s : all) kinds.insert(char(s.key.at(0)));
  for (char kind : std::string("nacoixkmpsrdwejt"))
    if (kinds.count(kind) == 0) {
      std::fprintf(stderr, "the store has no record of kind %c\n", kind);
      std::abort();
    }
  return all;
}

// ---- what happens to it

std::uint64_t number(fuzz::input& in) {
  static constexpr std::uint64_t edges[] = {
      0, 1, 2, 3, 100, 1u << 16, 0xffffffff, 1ull << 32, 1ull << 62, 1ull << 63, ~0ull - 1, ~0ull};
  const auto b = in.byte();
  return b < 128 ? edges[b % std::size(edges)] : b - 128u;
}
void overwrite(bytes& into, fuzz::input& in) {
  if (into.empty()) return;
  const auto at = in.below(into.size());
  auto n = number(in);
  const bool little = in.byte() % 2 == 0;
  for (std::size_t i = 0; i < 8 && at + i < into.size(); ++i)
    into[at + i] = std::uint8_t(little ? n >> (8 * i) : n >> (56 - 8 * i));
}
void flip(bytes& in_it, fuzz::input& in) {
  if (in_it.empty()) return;
  const auto at = in.below(in_it.size());
  in_it[at] ^= std::uint8_t(1 + in.below(255));
}

fuzz::stored invented(fuzz::input& in) {
  fuzz::stored s{table(in.below(store::table_count)), {}, {}};
  static constexpr std::string_view kinds = "nacoixkmpsrdwejth";
  s.key.push_back(std::uint8_t(kinds[in.below(kinds.size())]));
  append(s.key, keys::of(id_of(std::uint8_t(1 + in.below(4)))));
  append(s.key, in.take(in.byte() % 64));
  s.value = to_bytes(in.take(in.byte()));
  return s;
}

void change(std::vector<fuzz::stored>& all, fuzz::input& in) {
  const auto what = in.byte();
  auto& one = all[in.below(all.size())];
  switch (what % 12) {
  case 0: flip(one.value, in); break;
  case 1: overwrite(one.value, in); break;
  case 2: one.value.resize(in.below(one.value.size())); break;
  case 3: append(one.value, in.take(in.byte())); break;
  case 4:
    if (all.size() > 1) all.erase(all.begin() + (&one - all.data()));
    break;
  case 5: std::swap(one.value, all[in.below(all.size())].value); break;
  case 6: one.value = bytes(all[in.below(all.size())].value); break;
  case 7: flip(one.key, in); break;
  case 8: overwrite(one.key, in); break;
  case 9: one.key[0] = all[in.below(all.size())].key[0]; break;
  case 10: all.push_back(invented(in)); break;
  default: { // the same elsewhere
    auto copy = one;
    overwrite(copy.key, in);
    all.push_back(std::move(copy));
  }
  }
  // No store has an empty key.
  std::erase_if(all, [](const fuzz::stored& s) { return s.key.empty(); });
}

// ---- what comes of it

template <class Record> void read(byte_view value) {
  if (auto r = records::decode<Record>(value))
    require(records::decode<Record>(records::encode(*r)).has_value());
}
// What the node reads, and not the mailbox.
void read_rest(const fuzz::stored& s) {
  const auto v = slice::copy_of(s.value);
  switch (s.key[0]) {
  case 'n': return read<records::node_record>(v);
  case 'a': return read<records::agent_record>(v);
  case 'p': return read<records::peer_record>(v);
  case 's':
  case 'r': return read<records::ledger_entry>(v);
  case 'd': return read<records::dead_letter>(v);
  default: return;
  }
}

struct opened {
  std::optional<error> refused;
  std::size_t waiting = 0, unacked = 0, asks = 0, suspended = 0;
  bool operator==(const opened& o) const {
    return refused.has_value() == o.refused.has_value() &&
           (!refused ||
            (refused->code == o.refused->code && refused->context == o.refused->context)) &&
           waiting == o.waiting && unacked == o.unacked && asks == o.asks &&
           suspended == o.suspended;
  }
};
opened open(fuzz::node& n, const did& agent, bool unclean) {
  opened out;
  if (const auto ok = n.activate(agent, unclean); !ok) {
    out.refused = ok.error();
    require(ok.error().category == errc::corrupt || ok.error().category == errc::unsupported ||
            ok.error().category == errc::malformed || ok.error().category == errc::too_large ||
            ok.error().category == errc::invalid);
    require(!ok.error().code.empty() && !ok.error().context.empty());
    return out;
  }
  const auto r = n.box(agent)->report();
  out.waiting = r.waiting;
  out.unacked = r.unacked;
  out.asks = r.asks;
  out.suspended = r.suspended;
  return out;
}
std::vector<opened> open_all(fuzz::node& n, bool unclean) {
  std::vector<opened> out;
  for (const auto& [agent, t] : n.tenants()) out.push_back(open(n, agent, unclean));
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto whole = left_behind();
  static const auto who = tenants();
  fuzz::input in(data, size);
  const bool unclean = in.byte() % 2 == 0;
  auto all = whole;
  for (int changes = 0; !in.empty() && changes < 64; ++changes) change(all, in);

  fuzz::node n(who);
  for (const auto& s : all) read_rest(s);
  n.put(all);
  n.time.advance(std::chrono::seconds(10));
  const auto once = open_all(n, unclean);
  n.restart();
  require(open_all(n, unclean) == once);

  for (int i = 0; i < 4; ++i) {
    n.run(20);
    n.time.advance(std::chrono::seconds(30));
  }
  n.stop();
  n.restart();
  const auto again = open_all(n, false);
  for (std::size_t i = 0; i < once.size(); ++i)
    require(again[i].refused.has_value() == once[i].refused.has_value());
  return 0;
}
