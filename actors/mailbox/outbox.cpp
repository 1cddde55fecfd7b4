#include "actors/mailbox/outbox.hpp"

#include "actors/mailbox/wall_time.hpp"

namespace kith {

std::size_t size_queue::pop(std::size_t count) {
  auto end = first_ + std::min(count, sizes_.size() - first_);
  std::size_t sum = 0;
  for (; first_ < end; ++first_) sum += sizes_[first_];
  static constexpr std::size_t kept_max = 1024;
  if (first_ == sizes_.size()) {
    sizes_.clear();
    if (sizes_.capacity() > kept_max) sizes_.shrink_to_fit();
    first_ = 0;
  } else if (first_ > sizes_.size() / 2) { // each is moved once for each that left
    sizes_.erase(sizes_.begin(), sizes_.begin() + std::ptrdiff_t(first_));
    first_ = 0;
  }
  return sum;
}

void outbox::restore(const records::stream_out& r, bool local,
                     const std::vector<std::size_t>& waiting) {
  auto s = std::make_unique<stream>();
  s->id = r.stream;
  s->key = r.stream.key();
  s->local = local;
  s->head = r.head;
  auto newest = r.head.next - 1;
  // What a local recipient has consumed is in its own record; the queue begins behind it.
  s->acked = local ? newest - std::min<sequence>(waiting.size(), newest) : r.acked;
  for (auto size : waiting) {
    s->waiting.push(size);
    unacked_bytes_ += size;
  }
  unacked_ += newest - s->acked;
  s->trimmed = r.trimmed_to;
  s->signed_upto = r.signed_at ? r.signed_at->seq : 0;
  if (local) {
    s->flow = flow_(s->key);
  } else {
    s->shared = std::make_shared<out_stream>(s->id, s->id.incarnation != incarnation_);
    s->shared->durable = newest;
    s->shared->acked = s->acked;
    if (r.signed_at) s->shared->set_head(*r.signed_at);
    opened_.push_back(s->shared); // a link must learn of what is left from the life before
  }
  streams_.insert_or_assign(r.stream, std::move(s));
}

outbox::stream& outbox::open(const did& to, lane l, bool local) {
  stream_id id{self_, to, l, incarnation_};
  auto it = streams_.find(id);
  if (it != streams_.end()) return *it->second;
  auto s = std::make_unique<stream>();
  s->id = id;
  s->key = id.key();
  s->local = local;
  if (local) {
    s->flow = flow_(s->key);
  } else {
    s->shared = std::make_shared<out_stream>(s->id);
    opened_.push_back(s->shared);
  }
  return *streams_.emplace(std::move(id), std::move(s)).first->second;
}

std::optional<stream_key> outbox::find(const did& to, lane l) const {
  auto it = streams_.find({self_, to, l, incarnation_});
  return it == streams_.end() ? std::nullopt : std::optional(it->second->key);
}

outbox::emitted outbox::emit(const did& to, bool local, envelope_fields f,
                             store::write_batch& batch) {
  f.from = self_.text();
  f.to = to.text();
  emitted out;
  if (f.qos == qos::at_most_once) {
    out.what = envelope::build(f);
    out.stream = {self_, to, f.lane, 0};
    return out;
  }
  auto& s = open(to, f.lane, local);
  f.incarnation = incarnation_;
  f.seq = s.head.next;
  f.previous = s.head.last;
  out.what = envelope::build(f);
  out.hash = out.what.hash();
  out.stream = s.id;
  out.shared = s.shared;
  s.head = {f.seq + 1, out.hash};
  ++unacked_;
  unacked_bytes_ += out.what.size();
  s.waiting.push(out.what.size());
  touch(s);

  if (local) {
    look(s);
    if (f.time_to_live_ms != 0) out.expires = later(f.created, f.time_to_live_ms);
    if (f.seq == 1) {
      records::stream_in first;
      first.stream = s.id;
      batch.put(store::table::state, keys::local_stream(keys::of(to), s.key),
                records::encode(first));
    }
    batch.put(store::table::queue, keys::inbox(s.key, f.seq, out.expires), out.what.raw());
  } else {
    batch.put(store::table::queue, keys::outbox(s.key, f.seq), out.what.raw());
  }
  if (f.qos == qos::at_least_once) return out;
  records::ledger_entry entry;
  entry.id = f.id;
  entry.owner = self_key_;
  entry.stream = s.key;
  entry.seq = f.seq;
  entry.direction = records::direction::out;
  entry.when = f.created;
  batch.put(store::table::ledger, keys::sent(f.id), records::encode(entry));
  return out;
}

void outbox::touch(stream& s) {
  if (s.dirty) return;
  s.dirty = true;
  dirty_.push_back(&s);
}

void outbox::advance(stream& s, sequence upto) {
  auto count = upto - s.acked;
  unacked_ -= count;
  unacked_bytes_ -= s.waiting.pop(count);
  s.acked = upto;
}

void outbox::acknowledged(const stream_id& id, sequence upto) {
  auto it = streams_.find(id);
  if (it == streams_.end() || it->second->local) return;
  auto& s = *it->second;
  if (upto >= s.head.next || upto <= s.acked) return;
  untrimmed_ += upto - s.acked;
  advance(s, upto);
  touch(s);
}

void outbox::look(stream& s) {
  auto upto = std::min(s.flow->consumed.load(), s.head.next - 1);
  if (upto > s.acked) advance(s, upto);
}

void outbox::look_around() {
  for (auto& [id, s] : streams_)
    if (s->local) look(*s);
}

void outbox::look_around_if_full() {
  if (unacked_ >= limits_.outbox_count_max / 2 || unacked_bytes_ >= limits_.outbox_bytes_max / 2)
    look_around();
}

void outbox::settle(store::write_batch& batch, time_point now) {
  for (auto* s : dirty_) {
    s->dirty = false;
    records::stream_out r;
    r.stream = s->id;
    r.head = s->head;
    r.acked = s->acked;
    if (s->shared) {
      auto upto = s->head.next - 1;
      bool due = upto >= s->signed_upto + head_interval || now - s->signed_at >= head_interval_max;
      if (key_ != nullptr && due && upto > s->signed_upto) {
        signed_head h{upto, s->head.last,
                      key_->sign(signed_head::to_sign(s->id, upto, s->head.last))};
        s->shared->set_head(h);
        s->signed_upto = upto;
        s->signed_at = now;
      }
      if (auto h = s->shared->head(); h.seq != 0) r.signed_at = h;
      if (s->acked > s->trimmed) {
        batch.erase_range(store::table::queue, keys::outbox(s->key, s->trimmed + 1),
                          keys::outbox(s->key, s->acked + 1));
        untrimmed_ -= std::min<std::size_t>(untrimmed_, s->acked - s->trimmed);
        s->trimmed = s->acked;
      }
    }
    r.trimmed_to = s->trimmed;
    batch.put(store::table::state, keys::out_stream(self_key_, s->key), records::encode(r));
  }
  dirty_.clear();
}

} // namespace kith
