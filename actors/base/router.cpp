#include "actors/base/router.hpp"

#include "runtime/crypto/hash.hpp"

#include <algorithm>

namespace kith {

key_set::key router::key_of(const did& agent) {
  return crypto::blake2b_128(as_bytes(agent.text()));
}

route router::absent(const shard& s, const did& agent) {
  route r;
  if (s.asleep.empty() || !s.asleep.contains(key_of(agent))) return r;
  r.where = route::kind::local;
  r.asleep = true;
  return r;
}

route router::find(const did& agent) const {
  auto& s = of(agent);
  std::shared_lock lock(s.mutex);
  auto it = s.routes.find(agent);
  return it == s.routes.end() ? absent(s, agent) : it->second;
}

bool router::is_local(const did& agent) const {
  auto& s = of(agent);
  std::shared_lock lock(s.mutex);
  auto it = s.routes.find(agent);
  return (it == s.routes.end() ? absent(s, agent) : it->second).where == route::kind::local;
}

void router::add_local(const did& agent) {
  auto& s = of(agent);
  std::unique_lock lock(s.mutex);
  s.routes[agent].where = route::kind::local;
}

void router::put_to_sleep(const did& agent) {
  auto& s = of(agent);
  std::unique_lock lock(s.mutex);
  s.routes.erase(agent);
  s.asleep.insert(key_of(agent));
}

std::size_t router::asleep_count() const {
  std::size_t count = 0;
  for (auto& s : shards_) {
    std::shared_lock lock(s.mutex);
    count += s.asleep.size();
  }
  return count;
}

void router::set_mailbox(const did& agent, caf::actor mailbox, std::shared_ptr<actor_gate> gate) {
  auto& s = of(agent);
  std::unique_lock lock(s.mutex);
  auto it = s.routes.find(agent);
  if (it == s.routes.end()) {
    if (s.asleep.empty() || !s.asleep.erase(key_of(agent))) return;
    it = s.routes.try_emplace(agent).first;
    it->second.where = route::kind::local;
  }
  it->second.mailbox = std::move(mailbox);
  it->second.gate = std::move(gate);
}

void router::unset_mailbox(const did& agent, const caf::actor& was) {
  auto& s = of(agent);
  std::unique_lock lock(s.mutex);
  auto it = s.routes.find(agent);
  if (it == s.routes.end() || it->second.mailbox != was) return;
  it->second.mailbox = nullptr;
  it->second.gate = nullptr;
}

void router::remove_local(const did& agent) {
  auto& s = of(agent);
  std::unique_lock lock(s.mutex);
  s.routes.erase(agent);
  s.asleep.erase(key_of(agent));
}

bool router::set_remote(const did& agent, const did& node, epoch at) {
  auto& s = of(agent);
  std::unique_lock lock(s.mutex);
  auto it = s.routes.find(agent);
  if (it == s.routes.end()) {
    if (absent(s, agent).asleep) return false;
    if (remote_count_ >= remote_max) return false;
    ++remote_count_;
    it = s.routes.emplace(agent, route{}).first;
  } else if (it->second.where == route::kind::local || it->second.at > at) {
    return false;
  }
  it->second.where = route::kind::remote;
  it->second.node = node;
  it->second.at = at;
  return true;
}

void router::remove_remote(const did& agent, const did& node) {
  auto& s = of(agent);
  std::unique_lock lock(s.mutex);
  auto it = s.routes.find(agent);
  // The epoch is kept: an older home must not be believed later.
  if (it != s.routes.end() && it->second.where == route::kind::remote && it->second.node == node)
    it->second.where = route::kind::unknown;
}

std::vector<did> router::remotes_of(const did& node) const {
  std::vector<did> out;
  for (auto& s : shards_) {
    std::shared_lock lock(s.mutex);
    for (auto& [agent, r] : s.routes)
      if (r.where == route::kind::remote && r.node == node) out.push_back(agent);
  }
  return out;
}

epoch router::epoch_floor(const did& agent) const { return find(agent).at; }

void router::set_link(const did& node, caf::actor link, std::shared_ptr<actor_gate> gate) {
  std::unique_lock lock(links_mutex_);
  links_[node] = {std::move(link), std::move(gate)};
}

void router::remove_link(const did& node) {
  std::unique_lock lock(links_mutex_);
  links_.erase(node);
}

link_route router::link_of(const did& node) const {
  std::shared_lock lock(links_mutex_);
  auto it = links_.find(node);
  return it == links_.end() ? link_route{} : it->second;
}

std::shared_ptr<local_flow> router::flow(const stream_key& stream) {
  std::lock_guard lock(flows_mutex_);
  auto& f = flows_[stream];
  if (!f) f = std::make_shared<local_flow>();
  return f;
}

void router::add_stream(const std::shared_ptr<out_stream>& st) {
  auto& s = of(st->id.to);
  std::unique_lock lock(s.mutex);
  auto& list = s.streams[st->id.to];
  for (auto& have : list)
    if (have->id == st->id) {
      have = st; // the sender's mailbox was restarted
      return;
    }
  list.push_back(st);
}

void router::remove_streams_from(const did& sender) {
  for (auto& s : shards_) {
    std::unique_lock lock(s.mutex);
    for (auto& [to, list] : s.streams)
      std::erase_if(list, [&](const auto& st) { return st->id.from == sender; });
  }
}

std::vector<std::shared_ptr<out_stream>> router::streams_to(const did& recipient) const {
  auto& s = of(recipient);
  std::shared_lock lock(s.mutex);
  auto it = s.streams.find(recipient);
  return it == s.streams.end() ? std::vector<std::shared_ptr<out_stream>>{} : it->second;
}

std::shared_ptr<out_stream> router::stream(const stream_id& id) const {
  for (auto& st : streams_to(id.to))
    if (st->id == id) return st;
  return nullptr;
}

std::uint64_t router::unacknowledged() const {
  std::uint64_t count = 0;
  for (auto& s : shards_) {
    std::shared_lock lock(s.mutex);
    for (auto& [to, list] : s.streams)
      for (auto& st : list) {
        sequence acked = st->acked; // first: it never passes `durable`
        count += st->durable - acked;
      }
  }
  return count;
}

void router::clear() {
  for (auto& s : shards_) {
    std::unique_lock lock(s.mutex);
    s.routes.clear();
    s.asleep.clear();
    s.streams.clear();
  }
  std::unique_lock lock(links_mutex_);
  links_.clear();
}

} // namespace kith
