// The inside of the simulated network: the queue of events, hosts and the ways between them. For
// this folder only.
#pragma once

#include "runtime/base/random.hpp"
#include "runtime/net/simulated.hpp"

#include <map>
#include <set>

namespace kith::net {

class simulated_connection;

// What happens, as the trace knows it.
enum class event_kind : std::uint8_t { job, timer, packet, ack, dial, told };

struct event_key {
  time_point at{};
  std::uint64_t number = 0; // in the order of scheduling; 0 is no event
  auto operator<=>(const event_key&) const = default;
};

// One host: its reactor and its network in one.
class simulated_host final : public reactor, public network {
public:
  simulated_host(simulated_network::impl& world, std::string name)
      : world_(world), name_(std::move(name)) {}

  void post(std::function<void()> job) override;
  timer_id after(duration delay, std::function<void()> job) override;
  void cancel(timer_id timer) override;
  bool on_thread() const override { return true; }
  result<std::unique_ptr<listener>> listen(std::string_view address,
                                           accept_handler on_accept) override;
  void connect(std::string_view address, connect_options options, connect_handler done) override;
  using network::connect;

  const std::string& name() const { return name_; }
  // Counts the crashes: what belongs to an earlier life is dead.
  std::uint64_t life() const { return life_; }
  void crash();

  struct port {
    simulated_host& host;
    std::string key;       // in ports_
    std::string where;     // the address
    bool loopback = false; // only for dials from this host
    accept_handler on_accept;
    bool open = true;
  };
  struct dialling;
  void close(const port& p);

private:
  bool is_self(std::string_view host) const;
  bool may_dial(const dialling& d, const simulated_host& target);
  std::shared_ptr<port> find_port(const address& a, const simulated_host& from) const;
  void knock(const std::shared_ptr<dialling>& d);
  void answer(const std::shared_ptr<dialling>& d, result<std::unique_ptr<byte_stream>> outcome);

  simulated_network::impl& world_;
  const std::string name_;
  std::uint64_t life_ = 0;
  std::uint16_t last_port_ = 40'000;
  timer_id last_timer_ = 0;
  std::map<timer_id, event_key> timers_;
  std::map<std::string, std::shared_ptr<port>, std::less<>> ports_; // shared with their listeners
};

struct simulated_network::impl {
  struct event {
    event_kind kind;
    simulated_host* host; // whose it is; null for the network's own
    std::function<void()> run;
  };
  using pair = std::pair<std::string, std::string>;

  impl(manual_clock& time, std::uint64_t seed, link_traits traits)
      : clock(time), random(seed), between_all(traits) {}

  event_key schedule(event_kind kind, simulated_host* host, time_point at,
                     std::function<void()> run);
  bool step(time_point until);
  void mix(std::uint64_t value);

  static pair pair_of(std::string_view a, std::string_view b) {
    return a < b ? pair{a, b} : pair{b, a};
  }
  const link_traits& link(const simulated_host& a, const simulated_host& b) const;
  bool cut(const simulated_host& a, const simulated_host& b) const;
  bool blocked(const simulated_host& a, const simulated_host& b) const;
  // Turns a bit over, if it is to.
  void corrupt(const simulated_host& a, const simulated_host& b, bytes& data);
  // How long one packet takes.
  duration delay(const simulated_host& a, const simulated_host& b);
  simulated_host& host(std::string_view name);
  // What a host's name resolves to.
  ip_address address_of(std::string_view name);
  void let_through();

  manual_clock& clock;
  seeded_random random;
  link_traits between_all;
  std::map<pair, link_traits> links;
  std::map<std::string, ip_address, std::less<>> addresses; // of hosts
  std::set<pair> cuts;
  std::set<pair> corrupting; // whose next packet is
  std::uint64_t corrupted = 0;
  std::uint64_t trace = 0x6b697468, event_count = 0, last_number = 0, last_connection = 0;
  std::map<std::string, std::unique_ptr<simulated_host>, std::less<>> hosts;
  std::map<std::uint64_t, simulated_connection*> connections; // each removes itself
  std::map<event_key, event> events; // last: what dies with them looks above
};

// The two ends of a new connection: first of the dialling host, then of the accepting one.
struct simulated_ends {
  std::unique_ptr<byte_stream> dialler, acceptor;
};
simulated_ends make_simulated_connection(simulated_network::impl& world, simulated_host& dialler,
                                         simulated_host& acceptor, std::string dialled);

} // namespace kith::net
