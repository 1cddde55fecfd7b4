#include "actors/edge/inbox_hub.hpp"

#include <algorithm>

namespace kith::edge {

void inbox_hub::note(const did& mailbox) {
  std::lock_guard lock(mutex_);
  if (reactor_ == nullptr || followed_.count(mailbox) == 0) return;
  noted_.insert(mailbox);
  if (std::exchange(posted_, true)) return;
  reactor_->post([this] { pump_noted(); });
}

void inbox_hub::open(net::reactor& on, store::backend& disk) {
  disk_ = &disk;
  std::lock_guard lock(mutex_);
  reactor_ = &on;
  timer_ = on.after(still_there_interval, [this] { tick(); });
}

void inbox_hub::close() {
  entries_.clear();
  by_mailbox_.clear();
  std::lock_guard lock(mutex_);
  if (reactor_ != nullptr) reactor_->cancel(timer_);
  reactor_ = nullptr;
  followed_.clear();
  noted_.clear();
}

result<inbox_hub::ticket> inbox_hub::follow(const did& mailbox, sequence after,
                                            std::shared_ptr<follower> who) {
  auto& list = by_mailbox_[mailbox];
  if (list.size() >= followers_max)
    return fail(errc::overloaded, "too_many_followers",
                "this mailbox has as many followers as it may");
  auto t = ++last_;
  list.push_back(t);
  entries_.emplace(t, entry{mailbox, keys::of(mailbox), after, std::move(who)});
  {
    // Before the first look, so that what comes from now on is noted.
    std::lock_guard lock(mutex_);
    followed_.insert(mailbox);
    reactor_->post([this, t] { pump(t); });
  }
  return t;
}

void inbox_hub::leave(ticket t) {
  auto it = entries_.find(t);
  if (it == entries_.end()) return;
  auto mailbox = it->second.mailbox;
  entries_.erase(it);
  auto list = by_mailbox_.find(mailbox);
  std::erase(list->second, t);
  if (!list->second.empty()) return;
  by_mailbox_.erase(list);
  std::lock_guard lock(mutex_);
  followed_.erase(mailbox);
}

void inbox_hub::wake(ticket t) {
  auto it = entries_.find(t);
  if (it == entries_.end()) return;
  it->second.stalled = false;
  pump(t);
}

void inbox_hub::pump_noted() {
  std::unordered_set<did> noted;
  {
    std::lock_guard lock(mutex_);
    noted = std::exchange(noted_, {});
    posted_ = false;
  }
  for (const auto& mailbox : noted) {
    auto list = by_mailbox_.find(mailbox);
    if (list == by_mailbox_.end()) continue;
    for (auto t : std::vector(list->second)) pump(t);
  }
}

// One portion; the next in a job of its own, so that a long backlog does not hold up the others.
void inbox_hub::pump(ticket t) {
  static constexpr store::scan_limits portion{64, 256 << 10};
  auto it = entries_.find(t);
  if (it == entries_.end() || it->second.stalled || it->second.pumping) return;
  auto& e = it->second;
  auto from = keys::pending(e.key, e.cursor + 1);
  auto end = keys::end_of(keys::prefix(from, keys::queue_prefix_size));
  auto found = disk_->scan(store::table::queue, from, end, portion);
  if (!found || found->empty()) return;
  auto who = e.who;
  e.pumping = true; // taking one may end in leave()
  for (const auto& stored : *found) {
    auto parsed = envelope::parse(stored.value);
    if (!parsed) { // bit rot: the follower stays where it is
      e.stalled = true;
      break;
    }
    auto position = keys::queue_seq(stored.key);
    bool taken = who->take(*parsed, position);
    if (entries_.count(t) == 0) return;
    if (!taken) {
      e.stalled = true;
      break;
    }
    e.cursor = position;
  }
  e.pumping = false;
  if (e.stalled) return;
  std::lock_guard lock(mutex_);
  if (reactor_ != nullptr) reactor_->post([this, t] { pump(t); });
}

void inbox_hub::tick() {
  std::vector<std::shared_ptr<follower>> all; // one may leave when it is asked
  for (auto& [t, e] : entries_) all.push_back(e.who);
  for (auto& f : all) f->still_there();
  std::lock_guard lock(mutex_);
  if (reactor_ != nullptr) timer_ = reactor_->after(still_there_interval, [this] { tick(); });
}

} // namespace kith::edge
