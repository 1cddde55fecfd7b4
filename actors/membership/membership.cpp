#include "actors/membership/membership.hpp"

#include <algorithm>

namespace kith {

membership::membership(did self, std::vector<std::string> seeds) : self_(std::move(self)) {
  for (auto& s : seeds) seeds_.push_back({std::move(s), {}, retry_delay, false, false});
}

void membership::remember(const records::peer_record& r, time_point now) {
  if (r.node == self_ || r.addresses.empty() || members_.size() >= members_max) return;
  auto& m = members_[r.node];
  m.entry.node = r.node;
  m.entry.addresses = r.addresses;
  m.entry.state = wire::member_state::down;
  m.at.address = r.addresses.front();
  m.at.next = now;
}

void membership::up(const did& node, const std::string& name,
                    const std::vector<std::string>& addresses, const std::string& dialed_address) {
  for (auto& s : seeds_)
    if (s.address == dialed_address ||
        std::count(addresses.begin(), addresses.end(), s.address) != 0) {
      s.answered = true;
      s.under_way = false;
    }
  auto it = members_.find(node);
  if (it == members_.end()) {
    if (members_.size() >= members_max) return;
    it = members_.emplace(node, member{}).first;
  }
  auto& m = it->second;
  m.entry.node = node;
  m.entry.name = name;
  if (!addresses.empty()) m.entry.addresses = addresses;
  m.entry.state = wire::member_state::alive;
  m.up = true;
  m.at = {m.entry.addresses.empty() ? dialed_address : m.entry.addresses.front(),
          {},
          retry_delay,
          false,
          true};
}

void membership::down(const did& node, time_point now) {
  auto it = members_.find(node);
  if (it == members_.end()) return;
  it->second.up = false;
  it->second.entry.state = wire::member_state::down;
  it->second.at.under_way = false;
  it->second.at.delay = retry_delay;
  it->second.at.next = now + retry_delay;
}

void membership::heard(const std::vector<wire::members::entry>& list, time_point now) {
  for (const auto& e : list) {
    if (e.node == self_ || e.addresses.empty() || members_.count(e.node) != 0) continue;
    if (members_.size() >= members_max) return;
    member m;
    m.entry = e;
    m.entry.state = wire::member_state::down; // until we reach it ourselves
    m.at.address = e.addresses.front();
    m.at.next = self_ < e.node ? now : now + courtesy;
    members_.emplace(e.node, std::move(m));
  }
}

void membership::back_off(target& t, time_point now, random_source& random) {
  auto jitter = duration(std::int64_t(random.below(std::uint64_t(t.delay.count() / 2 + 1))));
  t.under_way = false;
  t.next = now + t.delay / 2 + jitter;
  t.delay = std::min(t.delay * 2, retry_delay_max);
}

void membership::failed(const std::string& address, time_point now, random_source& random) {
  for (auto& s : seeds_)
    if (s.address == address && s.under_way) back_off(s, now, random);
  for (auto& [id, m] : members_)
    if (m.at.address == address && m.at.under_way) back_off(m.at, now, random);
}

void membership::settled(const std::string& address) {
  for (auto& s : seeds_)
    if (s.address == address) s.answered = true, s.under_way = false;
  for (auto& [id, m] : members_)
    if (m.at.address == address) m.at.under_way = false;
}

std::vector<membership::dial> membership::due(time_point now) {
  std::vector<dial> out;
  for (auto& s : seeds_) {
    if (s.answered || s.under_way || s.next > now) continue; // once answered, it is a member
    s.under_way = true;
    out.push_back({s.address, {}});
  }
  for (auto& [id, m] : members_) {
    if (m.up || m.at.under_way || m.at.next > now || m.at.address.empty()) continue;
    auto same = [&](const auto& d) { return d.address == m.at.address; };
    bool already = std::any_of(out.begin(), out.end(), same) ||
                   std::any_of(seeds_.begin(), seeds_.end(),
                               [&](const auto& s) { return s.under_way && same(s); });
    if (already) continue;
    m.at.under_way = true;
    out.push_back({m.at.address, id});
  }
  return out;
}

wire::members membership::listing(const wire::members::entry& self) const {
  wire::members out;
  out.list.push_back(self);
  for (const auto& [id, m] : members_) out.list.push_back(m.entry);
  return out;
}

bool membership::joined() const {
  return std::all_of(seeds_.begin(), seeds_.end(), [](const auto& s) { return s.answered; });
}

std::string membership::name_of(const did& node) const {
  auto it = members_.find(node);
  return it == members_.end() ? std::string() : it->second.entry.name;
}

} // namespace kith
