// One simulated host: its reactor (jobs and timers as events), its ports, and its dials.
#include "runtime/net/simulated_connection.hpp"

namespace kith::net {
namespace {

constexpr duration dial_retry_delay = std::chrono::seconds(1); // a lost SYN is sent again

class simulated_listener final : public listener {
public:
  simulated_listener(std::shared_ptr<simulated_host::port> at, std::uint16_t number)
      : at_(std::move(at)), number_(number) {}
  ~simulated_listener() override {
    if (at_->open) at_->host.close(*at_);
  }
  std::uint16_t local_port() const override { return number_; }
  std::string local_address() const override { return at_->where; }

private:
  std::shared_ptr<simulated_host::port> at_; // shared with the host's table
  std::uint16_t number_;
};

bool is_loopback(std::string_view host) {
  return host == "127.0.0.1" || host == "::1" || host == "localhost";
}
bool is_any(std::string_view host) { return host == "0.0.0.0" || host == "::"; }

} // namespace

// One dial under way, in the hands of events; `done` is empty once it was called.
struct simulated_host::dialling {
  simulated_host& from;
  std::uint64_t life;
  address to;
  address_filter allow;
  connect_handler done;
  event_key timeout;
  bool over() const { return !done || life != from.life_; }
};

void simulated_host::post(std::function<void()> job) {
  world_.schedule(event_kind::job, this, world_.clock.now(), std::move(job));
}

timer_id simulated_host::after(duration delay, std::function<void()> job) {
  const timer_id id = ++last_timer_;
  timers_[id] = world_.schedule(event_kind::timer, this,
                                world_.clock.now() + std::max(delay, duration::zero()),
                                [this, id, job = std::move(job)] {
                                  timers_.erase(id);
                                  job();
                                });
  return id;
}

void simulated_host::cancel(timer_id timer) {
  const auto found = timers_.find(timer);
  if (found == timers_.end()) return;
  const auto dying = world_.events.extract(found->second); // its job may look at us
  timers_.erase(found);
}

// What dies here may hold streams, listeners and timers, whose ends reach into the tables: so each
// table is taken out or copied before anything in it dies.
void simulated_host::crash() {
  ++life_;
  const auto ports = std::exchange(ports_, {});
  for (const auto& [key, at] : ports) {
    at->open = false;
    at->on_accept = {};
  }
  timers_.clear();
  std::vector<event_key> mine;
  for (const auto& [key, event] : world_.events)
    if (event.host == this) mine.push_back(key);
  for (const event_key& key : mine) world_.events.extract(key);
  std::vector<std::shared_ptr<simulated_connection>> connections;
  for (const auto& [id, connection] : world_.connections)
    connections.push_back(connection->shared_from_this());
  for (const auto& connection : connections) connection->crash(*this);
}

bool simulated_host::is_self(std::string_view host) const {
  return host == name_ || is_loopback(host) || is_any(host);
}

result<std::unique_ptr<listener>> simulated_host::listen(std::string_view text,
                                                         accept_handler on_accept) {
  KITH_ASSIGN(address a, parse_address(text));
  const bool local = a.type == address::kind::unix_socket;
  if (!local && !is_self(a.host))
    return fail(errc::unavailable, "address_not_available",
                a.text() + " is no address of host " + name_);
  if (!local && a.port == 0) {
    do a.port = ++last_port_;
    while (ports_.contains(std::to_string(a.port)));
  }
  const std::string key = local ? a.path : std::to_string(a.port);
  if (ports_.contains(key))
    return fail(errc::unavailable, "address_in_use",
                a.text() + " is in use by another process; stop it or choose another address");
  const bool loopback = is_loopback(a.host);
  if (!local && !loopback) a.host = name_;
  auto at = std::make_shared<port>(port{*this, key, a.text(), loopback, std::move(on_accept)});
  ports_.emplace(key, at);
  return std::make_unique<simulated_listener>(std::move(at), a.port);
}

void simulated_host::close(const port& p) {
  const auto at = ports_.extract(p.key).mapped();
  at->open = false;
}

std::shared_ptr<simulated_host::port> simulated_host::find_port(const address& a,
                                                                const simulated_host& from) const {
  const bool local = a.type == address::kind::unix_socket;
  const auto found = ports_.find(local ? a.path : std::to_string(a.port));
  if (found == ports_.end() || (found->second->loopback && &from != this)) return nullptr;
  return found->second;
}

void simulated_host::connect(std::string_view text, connect_options options, connect_handler done) {
  const auto d = std::make_shared<dialling>(
      dialling{*this, life_, {}, std::move(options.allow), std::move(done), {}});
  auto a = parse_address(text);
  if (!a) return post([this, d, e = a.error()] { answer(d, fail(e)); });
  d->to = std::move(*a);
  d->timeout =
      world_.schedule(event_kind::dial, this, world_.clock.now() + options.timeout, [this, d] {
        answer(d, fail(errc::timeout, "connect_timeout", d->to.text() + " did not answer in time"));
      });
  post([this, d] { knock(d); });
}

// As on the real network, what is judged is the address that is reached, and no Unix socket passes.
bool simulated_host::may_dial(const dialling& d, const simulated_host& target) {
  if (!d.allow) return true;
  if (d.to.type == address::kind::unix_socket) return false;
  if (d.to.host == "localhost") return d.allow(ip_address::v4({127, 0, 0, 1}));
  const auto number = ip_address::parse(d.to.host);
  return d.allow(number ? *number : world_.address_of(target.name_));
}

void simulated_host::knock(const std::shared_ptr<dialling>& d) {
  if (d->over()) return;
  const bool here = d->to.type == address::kind::unix_socket || is_self(d->to.host);
  const auto found = here ? world_.hosts.find(name_) : world_.hosts.find(d->to.host);
  if (found == world_.hosts.end())
    return answer(d, fail(errc::unavailable, "host_not_found", d->to.host + " is no host"));
  simulated_host& target = *found->second;
  if (!may_dial(*d, target))
    return answer(d, fail(errc::forbidden, "address_refused",
                          d->to.text() + " stands for an address that may not be dialled"));
  const auto there = [this, d, &target] {
    if (d->over()) return;
    if (world_.blocked(*this, target)) {
      world_.schedule(event_kind::dial, this, world_.clock.now() + dial_retry_delay,
                      [this, d] { knock(d); });
      return;
    }
    const auto at = target.find_port(d->to, *this);
    const time_point back = world_.clock.now() + world_.delay(target, *this);
    if (!at) {
      world_.schedule(event_kind::dial, this, back, [this, d] {
        answer(d,
               fail(errc::unavailable, "connection_refused", "nothing answers at " + d->to.text()));
      });
      return;
    }
    auto ends = make_simulated_connection(world_, *this, target, d->to.text());
    // Shared, because an event's job must be copyable; an end that nobody takes aborts.
    const auto mine = std::make_shared<std::unique_ptr<byte_stream>>(std::move(ends.dialler));
    world_.schedule(event_kind::dial, this, back, [this, d, mine] { answer(d, std::move(*mine)); });
    const auto accept = at->on_accept; // a copy: it may close the port
    accept(std::move(ends.acceptor));
  };
  world_.schedule(event_kind::dial, nullptr, world_.clock.now() + world_.delay(*this, target),
                  there);
}

void simulated_host::answer(const std::shared_ptr<dialling>& d,
                            result<std::unique_ptr<byte_stream>> outcome) {
  if (d->over()) return;
  world_.events.erase(d->timeout);
  const auto done = std::exchange(d->done, {});
  done(std::move(outcome));
}

} // namespace kith::net
