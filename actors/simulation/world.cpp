#include "actors/simulation/world.hpp"

#include "actors/simulation/invariants.hpp"

#include <algorithm>
#include <kith/durable.hpp>

namespace kith::simulation {

namespace {

constexpr wall_ms first_wall = 1'700'000'000'000;
constexpr duration answer_timeout = std::chrono::seconds(30);
// After that an answer, or its time-out, would have come, if the node that asked had not crashed.
constexpr duration answer_patience = answer_timeout + std::chrono::seconds(30);

} // namespace

std::size_t world::nodes() const { return impl_.in.size(); }
std::string world::name(std::size_t node) const { return impl_.in.name(node); }
bool world::up(std::size_t node) const { return impl_.in.up(node); }
duration world::elapsed() const { return impl_.in.now() - impl_.begin; }
std::uint64_t world::below(std::uint64_t bound) { return impl_.random.below(bound); }
std::size_t world::waiting() const { return impl_.open->waiting.size(); }
std::size_t world::restores(std::size_t node) const { return impl_.in.restores(node); }
std::uint64_t world::lost(const did& from, const did& to) const {
  return lost_ranges(impl_.disks(), from, to).positions;
}
std::uint64_t world::maybe_twice(const did& to) const {
  const auto found = impl_.open->maybe_twice.find(to);
  return found == impl_.open->maybe_twice.end() ? 0 : found->second;
}
void world::allow_dead_letters() { impl_.dead_letters_allowed = true; }
std::size_t world::dead_letters() const { return simulation::dead_letters(impl_.disks()); }
void world::broken(std::string what) { impl::say(*impl_.open, std::move(what)); }

did world::spawn(std::size_t node, const std::string& type, const std::string& name,
                 const std::string& under) {
  auto made = impl_.in.spawn(node, type, name, under);
  if (!made)
    throw std::runtime_error("spawning a " + type + " on " + this->name(node) + ": " +
                             made.error().what());
  return *made;
}

void world::give(const did& to, std::string_view kind, encoded value) {
  put(to, kind, std::move(value), nullptr);
}

void world::put(const did& to, std::string_view kind, encoded value,
                std::function<void(const reply&)> then) {
  impl::given g;
  g.node = std::size_t(below(nodes()));
  g.to = to;
  g.restores = restores(g.node);
  g.id = impl_.ids.next(
      first_wall + std::chrono::floor<std::chrono::milliseconds>(elapsed()).count(), impl_.random);
  g.kind = kind;
  g.content_type = value.content_type;
  g.payload = std::move(value.payload);
  g.then = std::move(then);
  impl_.put(std::move(g));
}

std::string world::stored_json(const did& agent, std::string_view durable) {
  auto found = impl_.in.cell(agent, durable);
  if (!found || found->size() < detail::cell::header_size) return {};
  return std::string(as_text(byte_view(*found).subspan(detail::cell::header_size)));
}

void world::impl::say(state& s, std::string what) {
  if (s.broken.size() < broken_max)
    s.broken.push_back(std::move(what));
  else if (s.broken.size() == broken_max)
    s.broken.push_back("and more");
}

void world::impl::put(given g) {
  if (open->waiting.size() >= waiting_max)
    throw std::runtime_error("the scenario gives more than its agents take: 100000 messages wait. "
                             "Look at waiting() before giving");
  open->waiting.push_back(std::make_shared<given>(std::move(g)));
  auto last = open->waiting.back();
  offer(last);
}

void world::impl::offer(const std::shared_ptr<given>& g) {
  ingress what{g->to, g->kind, g->content_type, g->payload, g->id};
  std::weak_ptr<state> to = open;
  const bool forgotten = in.restores(g->node) != g->restores;
  what.accepted = [to, g, forgotten](const ingress::outcome& o) {
    auto s = to.lock();
    if (!s || (o.problem.code.empty() && g->then)) return;
    if (!o.problem.code.empty() && o.problem.category == errc::overloaded) {
      g->offered = false;
      return;
    }
    if (std::erase(s->waiting, g) == 0) return; // an earlier offer of it was answered
    if (forgotten) ++s->maybe_twice[g->to];
    if (!o.problem.code.empty()) say(*s, g->kind + " was refused: " + o.problem.what());
  };
  if (g->then) {
    what.wants_answer = true;
    what.timeout_ms = std::uint64_t(
        std::chrono::duration_cast<std::chrono::milliseconds>(answer_timeout).count());
    what.answered = [to, g](const ingress::answer& a) {
      auto s = to.lock();
      if (!s || std::erase(s->waiting, g) == 0) return;
      g->then(
          {!a.timed_out, !a.timed_out && a.status == answer_status::ok, a.content_type, a.payload});
    };
  }
  if (!in.send(g->node, std::move(what)) || !g->then) return;
  g->offered = true;
  g->until = in.now() + answer_patience;
}

void world::impl::offer() {
  const auto all = open->waiting; // what they call may change it
  for (const auto& g : all) {
    if (g->then && g->offered) {
      if (g->until <= in.now() && std::erase(open->waiting, g) != 0) g->then({});
    } else {
      offer(g);
    }
  }
}

std::vector<store::backend*> world::impl::disks() {
  std::vector<store::backend*> all;
  for (std::size_t n = 0; n < in.size(); ++n)
    if (auto* disk = in.disk(n)) all.push_back(disk);
  return all;
}

bool world::impl::quiet() { return open->waiting.empty() && unfinished(disks()).empty(); }

void world::impl::judge() {
  const auto all = disks();
  for (auto& what : broken_invariants(all)) say(*open, std::move(what));
  for (auto& what : unfinished(all)) say(*open, std::move(what));
  if (!open->waiting.empty())
    say(*open, std::to_string(open->waiting.size()) + " messages were not taken or answered");
  for (const auto& what : in.stale_writes()) say(*open, what);
  if (dead_letters_allowed) return;
  if (auto count = simulation::dead_letters(all); count != 0)
    say(*open, std::to_string(count) + " dead letters");
}

} // namespace kith::simulation
