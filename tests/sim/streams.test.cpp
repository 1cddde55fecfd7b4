// Three nodes made of the pure mailboxes and links over disks in memory, in one thread, driven from
// one seed: frames are lost or come twice, connections break, nodes crash with what they had not
// synced, gates are full, turns throw. Whatever happens, every message told is applied once and in
// order, and state agrees with it.
#include "actors/link/link_streams.hpp"
#include "actors/mailbox/test_support.hpp"
#include "actors/simulation/invariants.hpp"
#include "actors/simulation/walker.hpp"
#include "protocols/kith/decode.hpp"

using namespace kith;
using namespace kith::testing;

namespace {

using simulation::walker;
KITH_AGENT(walker);

constexpr std::size_t node_count = 3, agents_each = 2;

// Half of a connection: what one node keeps of its link to another.
struct endpoint final : frame_sink {
  void control(const wire::frame& f) override { out.push_back(wire::encode(f)); }
  void data(bytes frame) override { out.push_back(std::move(frame)); }
  bool room() const override { return out.size() < 40; }

  std::unique_ptr<link_streams> streams;
  std::deque<bytes> out; // on its way to the peer
  std::uint64_t session = 0;
  std::unordered_map<wire::stream_number, stream_id> numbers;
  std::unordered_map<stream_id, wire::stream_number> inbound;
  std::unique_ptr<verifier> proof;
  wire::reassembler fragments;
};

class cluster {
public:
  explicit cluster(std::uint64_t seed) : random_(seed), chance_(seed ^ 0x9e3779b97f4a7c15) {
    mailbox_limits limits;
    limits.stream_count_max = 4 + chance_.below(40);
    limits.count_max = 8 + chance_.below(100);
    limits.stream_bytes_max = 4000 + chance_.below(100'000);
    limits.commit_turns_max = 1 + chance_.below(20);
    for (std::size_t i = 0; i < node_count; ++i) {
      nodes_.push_back(std::make_unique<test_node>(time_, random_, limits));
      wire_up(i);
      for (std::size_t a = 0; a < agents_each; ++a) agents_.push_back(nodes_[i]->spawn("walker"));
    }
    for (std::size_t i = 0; i < node_count; ++i) start_links(i);
    connect_all();
  }

  void run() {
    for (int round = 0; round < 4000; ++round) something();
    faults_ = false;
    for (std::size_t i = 0; i < node_count; ++i)
      if (!nodes_[i]->up()) start(i);
    for (int quiet = 0, rounds = 0; quiet < 5; ++rounds) {
      REQUIRE(rounds < 3000);
      quiet = calm_round() ? 0 : quiet + 1;
    }
  }

  void check() {
    int told = 0;
    for (auto& a : agents_) {
      CHECK(cell(a, "fell").is_null()); // out of order
      CHECK(cell(a, "gaps").is_null());
      CHECK(number(a, "errands") == accepted_[a]);
      CHECK(home(a).dead_count() == 0);
      for (auto& b : agents_) {
        auto sent = entry(b, "sent", a), got = entry(a, "got", b);
        CHECK(sent == got);
        told += sent;
      }
    }
    CHECK(told > 10);
    for (auto& n : nodes_) {
      CHECK(n->refused.empty());
      CHECK(n->queued_count() == 0);
      for (auto& [id, s] : n->streams) CHECK(s->acked == s->durable);
    }
    CHECK(simulation::broken_invariants(disks()) == std::vector<std::string>{});
    CHECK(simulation::unfinished(disks()) == std::vector<std::string>{});
    CHECK(simulation::dead_letters(disks()) == 0);
  }

private:
  std::vector<store::backend*> disks() const {
    std::vector<store::backend*> all;
    for (auto& n : nodes_)
      if (n->up()) all.push_back(n->backend.get());
    return all;
  }
  static std::size_t other(std::size_t i, std::uint64_t n) {
    return (i + 1 + n % (node_count - 1)) % node_count;
  }
  std::size_t index_of(const did& agent) const {
    for (std::size_t i = 0; i < node_count; ++i)
      if (nodes_[i]->has(agent)) return i;
    return 0;
  }
  test_node& home(const did& agent) { return *nodes_[index_of(agent)]; }
  bool odds(std::uint64_t in_thousand) { return faults_ && chance_.below(1000) < in_thousand; }

  json cell(const did& a, std::string_view name) {
    auto text = home(a).cell(a, name);
    return text.empty() ? json() : json::parse(text).value();
  }
  int number(const did& a, std::string_view name) {
    auto value = cell(a, name);
    return value.is_null() ? 0 : int(value.as_int());
  }
  int entry(const did& a, std::string_view name, const did& of) {
    auto value = cell(a, name);
    return value[of.text()].is_null() ? 0 : int(value[of.text()].as_int());
  }

  void wire_up(std::size_t i) {
    auto& n = *nodes_[i];
    n.out.remote = [this, i](outbox::emitted e) {
      auto& link = ends_[i][index_of(e.stream.to)];
      auto first = e.what.seq();
      outgoing out{e.shared, first, {std::move(e.what)}};
      link.streams->offer(out);
      link.streams->pump();
    };
    n.out.position = [this, i](const did&, const stream_position& p) { position(i, p); };
    n.gate = [this, i](const did& to) {
      if (!odds(30)) return true;
      overflowed_.emplace_back(i, to);
      return false;
    };
  }
  void start_links(std::size_t i) {
    for (std::size_t j = 0; j < node_count; ++j) {
      auto& n = *nodes_[i];
      ends_[i][j].streams = std::make_unique<link_streams>(link_streams::environment{
          time_, *n.backend,
          [&n](const did& a) {
            return n.has(a) ? std::optional(n.delegate(a).encode()) : std::nullopt;
          },
          [&n](const stream_id& s, sequence upto) {
            n.box(s.from).acknowledged({s, upto});
          },
          [](std::string_view, const std::string& text) { FAIL_CHECK(text); }});
    }
  }
  void connect(std::size_t i, std::size_t j) {
    disconnect(i, j);
    if (!nodes_[i]->up() || !nodes_[j]->up()) return;
    for (auto [x, y] : {std::pair(i, j), std::pair(j, i)}) {
      auto& e = ends_[x][y];
      e.session = ++sessions_;
      e.proof = std::make_unique<verifier>(nodes_[y]->id());
      e.streams->connected(&e);
      for (auto& [id, s] : nodes_[x]->streams)
        if (nodes_[y]->has(id.to)) e.streams->open(s);
    }
  }
  void connect_all() {
    for (std::size_t i = 0; i < node_count; ++i)
      for (std::size_t j = i + 1; j < node_count; ++j)
        if (ends_[i][j].session == 0) connect(i, j);
  }
  void disconnect(std::size_t i, std::size_t j) {
    for (auto* e : {&ends_[i][j], &ends_[j][i]}) {
      if (e->streams) e->streams->disconnected();
      e->out.clear();
      e->numbers.clear();
      e->inbound.clear();
      e->fragments = {};
      e->session = 0;
    }
  }
  void crash(std::size_t i) {
    for (std::size_t j = 0; j < node_count; ++j)
      if (j != i) disconnect(i, j);
    clean_[i] = odds(300);
    if (clean_[i])
      nodes_[i]->stop();
    else
      nodes_[i]->crash();
    for (auto& e : ends_[i]) e.streams.reset();
    ++crashes_[i];
    REQUIRE(simulation::broken_invariants(disks()) == std::vector<std::string>{});
  }
  void start(std::size_t i) {
    nodes_[i]->restart(!clean_[i]);
    start_links(i);
  }

  // What a link's actor does with a mailbox's word about an incoming stream.
  void position(std::size_t i, const stream_position& p) {
    for (auto& e : ends_[i]) {
      auto number = e.inbound.find(p.stream);
      if (e.session == 0 || e.session != p.session || number == e.inbound.end()) continue;
      REQUIRE_FALSE(p.quarantined);
      if (p.rewind)
        e.control(wire::positions{{{p.stream, p.head, p.credit_seq, p.credit_bytes}}});
      else
        e.control(wire::ack{{{number->second, p.head.next - 1, p.credit_seq, p.credit_bytes}}, 0});
    }
  }
  // One frame from i to j; false if there was none.
  bool carry(std::size_t i, std::size_t j) {
    auto& from = ends_[i][j];
    if (from.out.empty()) return false;
    auto frame = std::move(from.out.front());
    from.out.pop_front();
    if (!odds(20)) receive(j, i, frame);
    if (odds(20)) receive(j, i, frame);
    if (from.session != 0) from.streams->pump(); // there is room again
    return true;
  }
  void receive(std::size_t at, std::size_t from, const bytes& frame) {
    auto& e = ends_[at][from];
    if (e.session == 0) return;
    wire::decoder decoder;
    REQUIRE(decoder.feed(frame));
    auto frames = decoder.take();
    auto& f = frames.at(0);
    if (auto* b = std::get_if<wire::batch>(&f)) {
      if (b->head) REQUIRE(e.proof->verify_head(e.numbers.at(b->number), *b->head));
      envelopes(at, e, b->number, b->items);
    } else if (auto* part = std::get_if<wire::fragment>(&f)) {
      auto whole = e.fragments.add(*part);
      if (!whole) return disconnect(at, from); // one was lost, or came twice
      if (!*whole) return;
      std::vector<wire::batch::item> items{{(*whole)->time_to_live_ms, (*whole)->raw}};
      envelopes(at, e, (*whole)->number, items);
    } else if (auto* d = std::get_if<wire::delegations>(&f)) {
      for (auto& encoded : d->encoded)
        REQUIRE(e.proof->accept(delegation::decode(encoded).value(), time_.wall(), 0));
    } else if (auto* o = std::get_if<wire::stream_open>(&f)) {
      e.numbers[o->number] = o->stream;
      e.inbound[o->stream] = o->number;
      nodes_[at]->box(o->stream.to).asked_position({o->stream, {}, e.session});
    } else if (auto* a = std::get_if<wire::ack>(&f)) {
      REQUIRE(e.streams->ack(*a));
    } else if (auto* p = std::get_if<wire::positions>(&f)) {
      e.streams->positions(*p);
    } else if (auto* n = std::get_if<wire::not_here>(&f)) {
      e.streams->not_here(*n);
    }
    if (e.session != 0) e.streams->pump();
  }
  void envelopes(std::size_t at, endpoint& e, wire::stream_number number,
                 std::vector<wire::batch::item>& items) {
    arrival a{e.numbers.at(number), {}, {}, e.session};
    for (auto& item : items) {
      auto v = e.proof->verify(a.stream, envelope::parse(item.raw).value(), time_.wall());
      if (!v)
        return e.control(
            wire::not_here{number, wire::absence::not_delegated}); // its delegation was lost
      a.items.push_back({std::move(*v), item.time_to_live_ms});
    }
    nodes_[at]->box(a.stream.to).arrived(a);
  }

  // An errand from outside, with an id, given again until it is known to be accepted.
  void send_errand(const did& to) {
    simulation::errand e;
    for (auto& a : agents_)
      if (chance_.below(2) == 0) e.route.push_back(a.text());
    e.filler = int(chance_.below(20) == 0 ? chance_.below(100'000) : chance_.below(200));
    e.hops = int(chance_.below(4));
    auto payload = encode(e).payload;
    errands_.push_back({to, ids_.next(time_.wall(), random_), std::move(payload)});
    ++accepted_[to];
  }
  bool offer_errands() {
    for (auto& e : errands_) {
      if (!home(e.to).up()) continue;
      kith::ingress r{e.to, "errand", std::string(json_type), e.payload, e.id};
      r.accepted = [this](const ingress::outcome& o) {
        CHECK(o.problem.code == "");
        std::erase_if(errands_, [&](const auto& have) { return have.id == o.id; });
      };
      home(e.to).box(e.to).ingress(r);
    }
    return !errands_.empty();
  }

  void something() {
    auto i = std::size_t(chance_.below(node_count)), j = other(i, chance_.below(100));
    auto& n = *nodes_[i];
    if (!n.up()) {
      if (chance_.below(10) == 0) start(i), connect_all();
      return;
    }
    auto& agent = agents_[i * agents_each + chance_.below(agents_each)];
    switch (chance_.below(12)) {
    case 0:
    case 1:
    case 2: n.turn(agent); break;
    case 3:
    case 4: n.sync(); break;
    case 5:
    case 6:
    case 7: carry(i, j); break;
    case 8: time_.advance(std::chrono::milliseconds(chance_.below(200))); break;
    case 9: tick(i, j); break;
    case 10:
      if (chance_.below(8) == 0) send_errand(agent);
      if (chance_.below(8) == 0) offer_errands();
      break;
    case 11:
      if (odds(60)) connect(i, j);
      if (odds(60) && crashes_[i] < 4) crash(i);
      break;
    }
  }
  void tick(std::size_t i, std::size_t j) {
    if (ends_[i][j].session == 0) return connect(i, j);
    ends_[i][j].streams->tick();
    ends_[i][j].streams->pump();
  }
  bool calm_round() {
    bool any = offer_errands();
    connect_all();
    for (auto& [i, to] : std::exchange(overflowed_, {})) nodes_[i]->box(to).overflowed();
    for (auto& n : nodes_) {
      any = n->turn() || any;
      while (n->sync()) any = true;
    }
    for (std::size_t i = 0; i < node_count; ++i)
      for (std::size_t j = 0; j < node_count; ++j) {
        while (i != j && carry(i, j)) any = true;
        if (!any && i != j) tick(i, j);
      }
    if (!any) time_.advance(std::chrono::seconds(3));
    return any;
  }

  struct errand_given {
    did to;
    uuid id;
    std::string payload;
  };
  manual_clock time_;
  seeded_random random_, chance_;
  uuid_generator ids_;
  bool faults_ = true;
  std::vector<std::unique_ptr<test_node>> nodes_;
  std::array<std::array<endpoint, node_count>, node_count> ends_;
  std::array<bool, node_count> clean_{};
  std::array<int, node_count> crashes_{};
  std::uint64_t sessions_ = 0;
  std::vector<did> agents_;
  std::map<did, int> accepted_;
  std::vector<errand_given> errands_;
  std::vector<std::pair<std::size_t, did>> overflowed_;
};

} // namespace

TEST_CASE("whatever is lost, repeated or crashes, each message is applied once and in order",
          "[sim]") {
  // KITH_SEED=n runs that one alone; KITH_SEEDS=n as many from the first.
  auto number = [](const char* name, std::uint64_t otherwise) {
    auto text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
  };
  auto first = number("KITH_SEED", 1);
  auto count = number("KITH_SEEDS", std::getenv("KITH_SEED") != nullptr ? 1 : 200);
  for (auto seed = first; seed < first + count; ++seed) {
    INFO("KITH_SEED=" << seed);
    cluster c(seed);
    c.run();
    c.check();
  }
}
