// Cuts of power under mailboxes. Two agents on two stores send to one another while the disk of one
// of them loses, again and again, what was not synced. Each time the store is opened again and
// compared with what the agents had let out before. No process, no thread and no clock takes part:
// only the mailbox, the journal, the store and a disk that forgets. campaign.py does the same with
// whole nodes.
//
// And the same trial with syncing turned off, which must find something lost.
#include "actors/base/router.hpp"
#include "actors/mailbox/mailbox.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/store/journal.hpp"
#include "runtime/store/rocks_backend.hpp"
#include "runtime/store/test_support.hpp"

#include <kith/kith.hpp>

using namespace kith;

namespace {

struct errand {
  kith::did to;
  int count = 0;
};
KITH_DESCRIBE(errand, to, count);

struct talk {
  std::uint64_t left = 0, sent = 0;              // of the numbers that it sends
  std::uint64_t heard = 0, last = 0, faults = 0; // of those that it gets
  kith::did partner;
};
KITH_DESCRIBE(talk, left, sent, heard, last, faults, partner);

// Sends numbers, some a turn, and notes those that it gets: every one must be the next.
struct talker : agent {
  using agent::agent;
  void setup() override {
    on("errand", [this](const errand& e) {
      if (state.get().left == 0) tell(self(), "more");
      state.update([&](talk& t) {
        t.left += std::uint64_t(e.count);
        t.partner = e.to;
      });
    });
    on("more", [this] {
      state.update([&](talk& t) {
        for (int n = 0; n < 7 && t.left > 0; ++n, --t.left) tell(t.partner, "number", ++t.sent);
      });
      if (state.get().left > 0) tell(self(), "more");
    });
    on("number", [this](std::uint64_t n) {
      state.update([&](talk& t) {
        if (n != t.last + 1) ++t.faults;
        ++t.heard;
        t.last = n;
      });
    });
  }
  durable<talk> state{*this, "talk"};
};
KITH_AGENT_AS(talker, "e2e.talker");

// What travels between the two.
struct packet {
  stream_id stream;
  bytes raw;
};

// One side: a store on a disk that forgets, and one agent. What it lets out goes to `sent` and
// `positions`; what it may never take back is written down in `promised`.
class side {
public:
  side(std::uint64_t seed, bool sync)
      : chance_(seed),
        disk_(std::make_shared<store::fault_disk>(store::fault_disk::options{seed, false})),
        options_{.sync_writes = sync, .write_buffer_bytes = 256 << 10, .faults = disk_},
        key_(std::make_shared<const secret_key>(secret_key::generate(chance_))),
        self_(key_->did()) {}

  const did& self() const { return self_; }
  bool dead() const { return failed_; }
  store::fault_disk& disk() { return *disk_; }

  // Opens what the last life left; empty, or what it lost that it had promised.
  std::string boot() {
    auto opened = store::rocks_backend::open(dir_.path(), options_);
    if (!opened) return opened.error().what();
    store_ = std::move(*opened);
    failed_ = false;
    journal_ =
        std::make_unique<store::journal>(*store_, clock_, store::journal_options{.threaded = false},
                                         [this](const error&) { failed_ = true; });
    journal_->load_epoch(self_, 1);
    mailbox::environment env{
        clock_,
        chance_,
        *store_,
        [this](const did& d) { return d == self_; },
        [this](const stream_key& s) { return router_.flow(s); },
        self_,
        [](std::string_view) -> result<did> { return fail(errc::not_found, "none", ""); },
        [](newborn, mailbox_step&) -> result<void> { return {}; },
        [](mailbox_step&) -> result<void> { return {}; },
        [](log_level l, std::string_view text) {
          if (l == log_level::error) FAIL(std::string(text));
        },
        {}};
    box_ = std::make_unique<mailbox>(tenant{self_, 1, 77, key_, "e2e.talker", ""}, limits_,
                                     std::move(env));
    done_ = submitted_ = 1;
    // The node unlocks an agent's epoch when it is born; a store without one takes any.
    if (auto active = box_->activate(lives_++ > 0); !active) return active.error().what();
    return compare();
  }

  // The power goes: nothing that was not synced is left.
  void die() {
    if (journal_) journal_->abandon();
    if (!disk_->is_cut())
      disk_->cut(chance_.below(2) == 0 ? store::tear::none : store::tear::prefix);
    box_.reset();
    journal_.reset();
    store_.reset();
    disk_->restore();
    sent.clear();
    positions.clear();
  }

  // Until there is nothing to do without the other side, or the disk is gone.
  void work() {
    for (bool busy = true; busy && !failed_;) {
      clock_.advance(std::chrono::milliseconds(1));
      auto step = box_->run();
      busy = !step.empty();
      if (busy) commit(std::move(step));
      // Sometimes one step a write, sometimes many.
      if (!busy || chance_.below(3) == 0) busy = journal_->pump() || busy;
    }
  }

  void order(const uuid& id, const did& to, int count) {
    ingress in;
    in.to = self_;
    in.kind = "errand";
    in.content_type = json_type;
    in.payload = encode(errand{to, count}).payload;
    in.id = id;
    in.accepted = [this, id](const ingress::outcome& o) {
      if (o.problem.code == "disk_failed") return; // cut while it was looked up: ordered again
      if (!o.problem.code.empty()) FAIL(o.problem.what());
      accepted.push_back(id);
    };
    box_->ingress(std::move(in));
  }

  void hear(const packet& p) {
    auto e = envelope::parse(slice::copy_of(p.raw));
    REQUIRE(e);
    arrival a;
    a.stream = p.stream;
    const auto digest = e->hash();
    a.items.push_back({verifier::local(std::move(*e), digest), 0});
    box_->arrived(a);
  }

  // The other side has journaled so far.
  void acknowledged(const stream_position& p) {
    if (p.head.next > 1) box_->acknowledged({p.stream, p.head.next - 1});
  }

  void ask_position(const stream_id& s) { box_->asked_position({s, {}, 0}); }

  // What a link does on a new connection: everything from `next` on, out of the outbox.
  std::vector<packet> backlog(const stream_id& s, sequence next) {
    std::vector<packet> out;
    auto found =
        store_->scan(store::table::queue, keys::outbox(s.key(), next),
                     keys::end_of(keys::prefix(keys::outbox(s.key(), 1), keys::queue_prefix_size)),
                     {100'000, 64 << 20});
    REQUIRE(found);
    for (const auto& e : *found) out.push_back({s, to_bytes(e.value)});
    return out;
  }

  stream_id stream_to(const did& other) const { return {self_, other, lane::request, 77}; }

  // The agent's state as it is stored.
  talk stored() {
    auto cell = store_->get(store::table::state, keys::cell(keys::of(self_), "talk"));
    REQUIRE(cell);
    if (!*cell) return {};
    auto read =
        payload_view(json_type, byte_view(**cell).subspan(detail::cell::header_size)).as<talk>();
    REQUIRE(read);
    return *read;
  }

  std::vector<packet> sent;               // since the last look
  std::vector<stream_position> positions; // likewise
  std::vector<uuid> accepted;             // errands whose acceptance was told
  std::uint64_t kept = 0;                 // steps that were synced

private:
  void commit(mailbox_step step) {
    const auto number = step.number;
    submitted_ = number;
    auto batch = std::move(step.batch);
    local_arrival arrived;
    for (auto& [to, item] : step.local) arrived.items.push_back(std::move(item));
    auto out = std::make_shared<mailbox_step>(std::move(step)); // std::function must be copyable
    if (batch.empty() && done_ + 1 == number) {
      let_out(*out);
    } else {
      auto submitted =
          journal_->submit(std::move(batch), [this, out](const result<journal_position>& r) {
            if (!r) return;
            ++kept;
            let_out(*out);
          });
      if (!submitted) {
        failed_ = true;
        return;
      }
    }
    if (!arrived.items.empty()) box_->arrived(arrived);
  }

  void let_out(mailbox_step& step) {
    done_ = step.number;
    box_->durable(step.number);
    for (const auto& e : step.remote) {
      sent.push_back({e.stream, to_bytes(e.what.raw())});
      promised_out_ = std::max(promised_out_, e.what.seq());
    }
    for (const auto& p : step.positions) {
      positions.push_back(p);
      auto& known = promised_in_[p.stream.text()];
      known.first = p.stream;
      known.second = std::max(known.second, p.head.next - 1);
    }
    for (auto& f : step.released) f();
  }

  // What the store holds against what had been let out, and the agent's state against positions.
  std::string compare() {
    auto of_stream = [&](const bytes& key) { return store_->get(store::table::state, key); };
    for (const auto& [text, what] : promised_in_) {
      const auto& [id, upto] = what;
      auto found = of_stream(keys::in_stream(keys::of(self_), id.key()));
      REQUIRE(found);
      records::stream_in r;
      if (*found) r = records::decode<records::stream_in>(**found).value();
      if (r.head.next - 1 < upto)
        return "acknowledged " + std::to_string(upto) + " of " + text + ", kept " +
               std::to_string(r.head.next - 1);
      auto state = stored();
      if (state.faults != 0 || state.heard != state.last)
        return "the agent missed a number or got one twice, before " + std::to_string(state.last);
      if (id.from != self_ && state.heard != r.consumed)
        return "state and position differ: " + std::to_string(state.heard) + " and " +
               std::to_string(r.consumed);
    }
    for (const auto& s : streams_out())
      if (s.stream.to != self_ && s.head.next - 1 < promised_out_)
        return "sent " + std::to_string(promised_out_) + ", kept " +
               std::to_string(s.head.next - 1);
    if (streams_out().empty() && promised_out_ > 0) return "the whole outgoing stream is lost";
    return {};
  }

  std::vector<records::stream_out> streams_out() {
    auto from = keys::prefix(keys::out_stream(keys::of(self_), {}), keys::agent_prefix_size);
    auto found = store_->scan(store::table::state, from, keys::end_of(from), {});
    REQUIRE(found);
    std::vector<records::stream_out> out;
    for (const auto& e : *found)
      out.push_back(records::decode<records::stream_out>(e.value).value());
    return out;
  }

  store::test::temporary_dir dir_;
  seeded_random chance_;
  std::shared_ptr<store::fault_disk> disk_; // shared with the stores
  store::rocks_options options_;
  std::shared_ptr<const secret_key> key_; // shared with the mailboxes
  did self_;
  manual_clock clock_;
  router router_;
  mailbox_limits limits_;
  std::unique_ptr<store::rocks_backend> store_;
  std::unique_ptr<store::journal> journal_;
  std::unique_ptr<mailbox> box_;
  bool failed_ = false;
  int lives_ = 0;
  std::uint64_t submitted_ = 1, done_ = 1;
  sequence promised_out_ = 0; // the highest position that left
  std::map<std::string, std::pair<stream_id, sequence>> promised_in_;
};

// Two sides, what is between them, and what was asked of them.
class trial {
public:
  trial(std::uint64_t seed, bool sync)
      : chance_(seed), sides_{{seed * 2 + 1, sync}, {seed * 2 + 2, sync}} {}

  std::string boot() {
    for (auto& s : sides_)
      if (auto lost = s.boot(); !lost.empty()) return lost;
    return {};
  }

  // Work, a cut amid of it, and a look at what is left; empty, or what was lost.
  std::string round() {
    const auto victim = chance_.below(2);
    give_errand(0);
    give_errand(1);
    sides_[victim].disk().cut_at(1 + chance_.below(60),
                                 chance_.below(2) ? store::tear::none : store::tear::prefix);
    talk_to_each_other();
    sides_[victim].die();
    if (auto lost = sides_[victim].boot(); !lost.empty()) return lost;
    reconnect();
    return {};
  }

  // Without cuts, until both are done.
  void finish() {
    reconnect();
    for (int turns = 0; turns < 1000 && !finished(); ++turns) {
      for (std::size_t i = 0; i < 2; ++i) repeat_errands(i);
      talk_to_each_other();
    }
  }

  bool finished() {
    for (std::size_t i = 0; i < 2; ++i) {
      const auto state = sides_[i].stored();
      if (!open_[i].empty() || state.sent != asked_[i] || state.left != 0 ||
          state.heard != asked_[1 - i])
        return false;
    }
    return true;
  }

  std::uint64_t asked() const { return asked_[0] + asked_[1]; }
  side& operator[](std::size_t i) { return sides_[i]; }

private:
  void give_errand(std::size_t i) {
    const int count = 20 + int(chance_.below(60));
    open_[i].emplace_back(ids_.next(clock_.wall(), chance_), count);
    asked_[i] += std::uint64_t(count);
    repeat_errands(i);
  }

  // All that were not confirmed, under the ids that they had.
  void repeat_errands(std::size_t i) {
    auto& done = sides_[i].accepted;
    std::erase_if(open_[i], [&](const auto& o) {
      return std::count(done.begin(), done.end(), o.first) != 0;
    });
    for (const auto& [id, count] : open_[i]) sides_[i].order(id, sides_[1 - i].self(), count);
  }

  void reconnect() {
    for (auto& s : sides_) s.sent.clear(); // what was on its way is lost
    for (std::size_t i = 0; i < 2; ++i)
      sides_[1 - i].ask_position(sides_[i].stream_to(sides_[1 - i].self()));
    for (std::size_t i = 0; i < 2; ++i) repeat_errands(i);
  }

  void talk_to_each_other() {
    for (bool busy = true; busy;) {
      busy = false;
      for (std::size_t i = 0; i < 2; ++i) {
        if (sides_[i].dead()) return;
        sides_[i].work();
        if (sides_[i].dead()) return;
        busy = carry(i) || busy;
      }
    }
  }

  // What one side has let out, to the other.
  bool carry(std::size_t i) {
    auto& from = sides_[i];
    auto& to = sides_[1 - i];
    const auto positions = std::exchange(from.positions, {});
    for (const auto& p : positions) {
      if (p.stream.from == from.self()) continue;
      to.acknowledged(p);
      if (p.rewind)
        for (const auto& again : to.backlog(p.stream, p.head.next)) from.hear(again);
    }
    const auto sent = std::exchange(from.sent, {});
    for (const auto& p : sent) to.hear(p);
    return !positions.empty() || !sent.empty();
  }

  seeded_random chance_;
  manual_clock clock_;
  uuid_generator ids_;
  side sides_[2];
  std::vector<std::pair<uuid, int>> open_[2]; // errands that are not confirmed
  std::uint64_t asked_[2] = {0, 0};
};

} // namespace

TEST_CASE("two hundred cuts under two mailboxes lose nothing and repeat nothing",
          "[e2e][property]") {
  trial t(11, true);
  REQUIRE(t.boot() == "");
  for (int round = 0; round < 200; ++round) {
    INFO("round " << round);
    REQUIRE(t.round() == "");
  }
  t.finish();
  CHECK(t.finished());
  CHECK(t[0].stored().faults + t[1].stored().faults == 0);
  // The trial was one.
  CHECK(t.asked() > 10'000);
  CHECK(t[0].disk().counts().cuts + t[1].disk().counts().cuts >= 200);
  CHECK(t[0].disk().counts().bytes_dropped + t[1].disk().counts().bytes_dropped > 10'000);
  CHECK(t[0].kept + t[1].kept > 2'000);
}

TEST_CASE("with syncing off, cuts under mailboxes do lose what was let out", "[e2e][property]") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    trial t(seed, false);
    REQUIRE(t.boot() == "");
    std::string lost;
    for (int round = 0; round < 30 && lost.empty(); ++round) lost = t.round();
    CHECK_FALSE(lost.empty());
  }
}
