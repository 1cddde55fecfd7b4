// The simulated world: its events, run in the order of their time and then of their making.
#include "runtime/net/simulated_connection.hpp"

namespace kith::net {

event_key simulated_network::impl::schedule(event_kind kind, simulated_host* host, time_point at,
                                            std::function<void()> run) {
  const event_key key{at, ++last_number};
  events.emplace(key, event{kind, host, std::move(run)});
  return key;
}

void simulated_network::impl::mix(std::uint64_t value) {
  trace ^= value;
  trace *= 0x9e3779b97f4a7c15;
  trace ^= trace >> 29;
}

bool simulated_network::impl::step(time_point until) {
  if (events.empty() || events.begin()->first.at > until) return false;
  const auto node = events.extract(events.begin());
  if (const duration wait = node.key().at - clock.now(); wait > duration::zero())
    clock.advance(wait);
  const event& next = node.mapped();
  ++event_count;
  mix(std::uint64_t(node.key().at.time_since_epoch().count()));
  mix(std::uint64_t(next.kind) << 56 | node.key().number);
  next.run();
  return true;
}

const link_traits& simulated_network::impl::link(const simulated_host& a,
                                                 const simulated_host& b) const {
  const auto found = links.find(pair_of(a.name(), b.name()));
  return found == links.end() ? between_all : found->second;
}

bool simulated_network::impl::cut(const simulated_host& a, const simulated_host& b) const {
  return !cuts.empty() && cuts.contains(pair_of(a.name(), b.name()));
}

bool simulated_network::impl::blocked(const simulated_host& a, const simulated_host& b) const {
  return &a != &b && (link(a, b).black_hole || cut(a, b));
}

duration simulated_network::impl::delay(const simulated_host& a, const simulated_host& b) {
  if (&a == &b) return std::chrono::microseconds(10);
  static constexpr duration first_wait = std::chrono::milliseconds(200); // doubled each time
  static constexpr int losses_max = 7; // in a row: by then 25 s, and somebody has given up
  const link_traits& way = link(a, b);
  auto takes = way.latency + duration(random.below(std::uint64_t(way.jitter.count()) + 1));
  if (way.loss_in_thousand == 0) return takes;
  for (int n = 0; n < losses_max && random.below(1000) < way.loss_in_thousand; ++n)
    takes += first_wait * (1 << n);
  return takes;
}

void simulated_network::impl::corrupt(const simulated_host& a, const simulated_host& b,
                                      bytes& data) {
  if (corrupting.empty() || data.empty() || corrupting.erase(pair_of(a.name(), b.name())) == 0)
    return;
  data[random.below(data.size())] ^= std::uint8_t(1 << random.below(8));
  ++corrupted;
}

simulated_host& simulated_network::impl::host(std::string_view name) {
  const auto found = hosts.find(name);
  if (found != hosts.end()) return *found->second;
  auto made = std::make_unique<simulated_host>(*this, std::string(name));
  return *hosts.emplace(name, std::move(made)).first->second;
}

ip_address simulated_network::impl::address_of(std::string_view name) {
  if (const auto found = addresses.find(name); found != addresses.end()) return found->second;
  const auto number = std::uint32_t(addresses.size() + 1);
  const auto made_up = ip_address::v4(
      {9, std::uint8_t(number >> 16), std::uint8_t(number >> 8), std::uint8_t(number)});
  return addresses.emplace(name, ip_address::parse(name).value_or(made_up)).first->second;
}

void simulated_network::impl::let_through() {
  for (auto& [id, connection] : connections) connection->let_through();
}

simulated_network::simulated_network(manual_clock& clock, std::uint64_t seed,
                                     link_traits between_all)
    : impl_(std::make_unique<impl>(clock, seed, between_all)) {}

simulated_network::~simulated_network() {
  // What dies with an event may schedule another, which then dies here.
  while (!impl_->events.empty()) impl_->events.extract(impl_->events.begin());
}

reactor& simulated_network::reactor_of(std::string_view host) { return impl_->host(host); }
network& simulated_network::network_of(std::string_view host) { return impl_->host(host); }

void simulated_network::set_address(std::string_view host, const ip_address& a) {
  impl_->addresses.insert_or_assign(std::string(host), a);
}

void simulated_network::set_link(std::string_view a, std::string_view b, link_traits traits) {
  impl_->links[impl::pair_of(a, b)] = traits;
  impl_->let_through();
}

void simulated_network::partition(std::string_view a, std::string_view b) {
  impl_->cuts.insert(impl::pair_of(a, b));
}

void simulated_network::heal(std::string_view a, std::string_view b) {
  impl_->cuts.erase(impl::pair_of(a, b));
  impl_->let_through();
}

void simulated_network::heal_all() {
  impl_->cuts.clear();
  impl_->let_through();
}

void simulated_network::drop_connections(std::string_view a, std::string_view b) {
  const simulated_host &one = impl_->host(a), &other = impl_->host(b);
  for (auto& [id, connection] : impl_->connections)
    if (connection->joins(one, other)) connection->reset();
}

void simulated_network::corrupt_next(std::string_view a, std::string_view b) {
  impl_->corrupting.insert(impl::pair_of(a, b));
}
std::uint64_t simulated_network::corrupted_count() const { return impl_->corrupted; }

void simulated_network::crash(std::string_view host) { impl_->host(host).crash(); }

std::optional<time_point> simulated_network::next_event() const {
  if (impl_->events.empty()) return std::nullopt;
  return impl_->events.begin()->first.at;
}

bool simulated_network::step() { return impl_->step(time_point::max()); }

bool simulated_network::run_for(duration span) {
  const time_point until = impl_->clock.now() + span;
  for (std::uint64_t i = 0; impl_->step(until); ++i)
    if (i == events_max) return false;
  if (const duration rest = until - impl_->clock.now(); rest > duration::zero())
    impl_->clock.advance(rest);
  return true;
}

bool simulated_network::run_until(const std::function<bool()>& done, duration span) {
  const time_point until = impl_->clock.now() + span;
  for (std::uint64_t i = 0; !done(); ++i)
    if (i == events_max || !impl_->step(until)) return false;
  return true;
}

std::uint64_t simulated_network::trace() const { return impl_->trace; }
std::uint64_t simulated_network::event_count() const { return impl_->event_count; }

} // namespace kith::net
