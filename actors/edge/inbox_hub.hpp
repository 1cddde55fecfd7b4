// Who follows which mailbox: streams of Server-Sent Events and WebSockets. A follower has a cursor;
// what is behind it is read from the store and handed over in order, as long as it takes it. Being
// told that there is more is only a hint: the store says what there is, so nothing is missed and
// nothing comes twice, whatever happens in between.
#pragma once

#include "actors/mailbox/keys.hpp"
#include "runtime/net/reactor.hpp"
#include "runtime/store/store.hpp"
#include "runtime/stream/envelope.hpp"

#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

namespace kith::edge {

// One that follows. Called on the edge's reactor.
class follower {
public:
  virtual ~follower() = default;
  // False: there is no room; inbox_hub::wake() says when there is.
  virtual bool take(const envelope& e, sequence position) = 0;
  // Now and then, so that both sides notice when the other is gone.
  virtual void still_there() = 0;
};

class inbox_hub {
public:
  static constexpr std::size_t followers_max = 16; // of one mailbox; further ones are refused
  static constexpr duration still_there_interval = std::chrono::seconds(15);

  // Any thread: something became durable in this mailbox.
  void note(const did& mailbox);

  // The rest on the reactor's thread, between open() and close().
  void open(net::reactor& on, store::backend& disk);
  void close();
  using ticket = std::uint64_t;
  // From behind `after` on. overloaded "too_many_followers". The follower lives until leave().
  result<ticket> follow(const did& mailbox, sequence after, std::shared_ptr<follower> who);
  void leave(ticket t);
  void wake(ticket t);
  std::size_t count() const { return entries_.size(); }

private:
  struct entry {
    did mailbox;
    keys::agent_key key{};
    sequence cursor = 0;
    std::shared_ptr<follower> who; // shared with the connection's handlers
    bool stalled = false;
    bool pumping = false;
  };
  void pump(ticket t);
  void pump_noted();
  void tick();

  store::backend* disk_ = nullptr;
  std::unordered_map<ticket, entry> entries_;
  std::unordered_map<did, std::vector<ticket>> by_mailbox_;
  ticket last_ = 0;
  net::timer_id timer_ = 0;

  std::mutex mutex_; // guards what follows
  net::reactor* reactor_ = nullptr;
  std::unordered_set<did> followed_, noted_;
  bool posted_ = false;
};

} // namespace kith::edge
