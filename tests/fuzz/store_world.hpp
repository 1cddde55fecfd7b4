// A node without actors and without a journal thread, for store_recovery: mailboxes over one memory
// disk, each commit durable at once.
#pragma once

#include "actors/mailbox/mailbox.hpp"
#include "runtime/identity/delegation.hpp"
#include "runtime/store/memory_backend.hpp"

#include <algorithm>
#include <map>

namespace kith::fuzz {

struct stored {
  store::table in;
  bytes key, value;
};

class node {
public:
  explicit node(std::map<did, tenant> tenants) : tenants_(std::move(tenants)) { open(); }

  // A life of the process ends, and all that was committed is left.
  void restart() {
    boxes_.clear();
    flows_.clear();
    open();
  }
  result<void> activate(const did& agent, bool unclean) {
    auto box = std::make_unique<mailbox>(tenants_.at(agent), mailbox_limits(), environment());
    KITH_TRY(box->activate(unclean));
    (void)box->take_opened();
    boxes_.insert_or_assign(agent, std::move(box));
    return {};
  }
  mailbox* box(const did& agent) {
    auto found = boxes_.find(agent);
    return found == boxes_.end() ? nullptr : found->second.get();
  }
  const std::map<did, tenant>& tenants() const { return tenants_; }

  // One step of that mailbox; false: it has nothing to do.
  bool turn(const did& agent) {
    auto step = boxes_.at(agent)->run();
    if (step.empty()) return false;
    commit(agent, std::move(step));
    return true;
  }
  // Until all rest, or so many rounds.
  void run(int rounds) {
    for (bool moved = true; moved && rounds > 0; --rounds) {
      moved = false;
      for (const auto& [agent, t] : tenants_)
        if (box(agent) != nullptr) moved = turn(agent) || moved;
    }
  }
  void stop() {
    for (auto& [agent, b] : boxes_) {
      b->stop();
      if (auto step = b->settle(); !step.batch.empty()) write(step.batch);
    }
  }

  void put(const std::vector<stored>& all) {
    store::write_batch batch;
    for (const auto& s : all) batch.put(s.in, s.key, byte_view(s.value));
    write(batch);
  }
  std::vector<stored> all() const {
    std::vector<stored> out;
    for (auto in : {store::table::state, store::table::queue, store::table::ledger}) {
      const auto found = disk_->scan(in, {}, bytes(64, 0xff), {100'000, 1 << 30}).value();
      for (const auto& e : found) out.push_back({in, e.key, to_bytes(e.value)});
    }
    return out;
  }

  bool has(const bytes& prefix) const {
    return !disk_->scan(store::table::state, prefix, keys::end_of(prefix), {1}).value().empty();
  }

  manual_clock time;

private:
  void open() { disk_ = store::memory_backend::open(files_).value(); }
  void write(const store::write_batch& batch) {
    if (!disk_->commit({&batch, 1}, ++position_)) std::abort(); // a memory disk takes everything
  }
  void commit(const did& agent, mailbox_step step) {
    write(step.batch);
    auto& box = *boxes_.at(agent);
    (void)box.take_opened();
    (void)box.take_unchained_taken();
    for (auto& [to, item] : step.local)
      if (auto* b = this->box(to)) {
        local_arrival a;
        a.items.push_back(std::move(item));
        b->arrived(a);
      }
    for (auto& [to, e] : step.unchained)
      if (auto* b = this->box(to)) {
        volatile_arrival a;
        a.items.push_back({agent, verifier::local(e, {})});
        b->arrived(a);
      }
    for (auto& e : step.remote) e.shared->durable = e.what.seq();
    for (auto& f : step.released) f();
    box.durable(step.number);
  }
  mailbox::environment environment() {
    return {time,
            random_,
            *disk_,
            [this](const did& d) { return tenants_.count(d) != 0; },
            [this](const stream_key& s) {
              auto& f = flows_[s];
              if (!f) f = std::make_shared<local_flow>();
              return f;
            },
            *did::parse("did:x:node"),
            [](std::string_view) -> result<did> { return fail(errc::not_found, "unknown_node"); },
            [](newborn, mailbox_step&) -> result<void> {
              return fail(errc::overloaded, "too_many_agents", "nobody is born here");
            },
            [](mailbox_step&) -> result<void> { return {}; },
            [](log_level, std::string_view) {},
            {},
            {},
            {},
            {}};
  }

  seeded_random random_{5};
  std::map<did, tenant> tenants_;
  std::shared_ptr<store::memory_disk> files_ = std::make_shared<store::memory_disk>();
  std::unique_ptr<store::memory_backend> disk_;
  std::map<stream_key, std::shared_ptr<local_flow>> flows_;
  std::map<did, std::unique_ptr<mailbox>> boxes_;
  journal_position position_ = 0;
};

} // namespace kith::fuzz
