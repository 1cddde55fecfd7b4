// The mailbox of a DID that lives outside of any node: nobody takes turns in it; what comes is kept
// for its owner, in one order, until the owner says that it has it.
#include "actors/mailbox/mailbox.hpp"

namespace kith {

// What its owner says must be signed by itself: whoever gets it, on whatever node, can check that.
// Here, so that the signatures of many senders are verified on all cores.
result<void> mailbox::check_word(const envelope_fields& f, bool own_id) const {
  static constexpr wall_ms created_ahead_max = 5LL * 60 * 1000; // of a sender's clock before ours
  auto bad = [](const char* why) { return fail(errc::invalid, "bad_message", why); };
  if (f.kind.starts_with("kith."))
    return fail(errc::forbidden, "reserved_kind",
                "kinds that begin with \"kith.\" are between nodes and their agents");
  if (!own_id) return bad("\"id\" must be a UUIDv7 of the sender's own");
  if (f.created == 0) return bad("\"created\" must be there, for it is signed");
  if (f.created > wall_ + created_ahead_max)
    return fail(errc::invalid, "created_ahead", "\"created\" is in the future; set the clock");
  if (!verify_signature(who_.self, signed_content(f), f.signature))
    return fail(errc::unauthenticated, "message_signature_wrong",
                "\"signature\" is not the sender's over this message (docs/API.md, \"Signed "
                "content\")");
  return {};
}

// The turn of such a mailbox. The caller has seen that there is room.
void mailbox::keep(in_stream& s, mailbox_step& step) {
  auto e = s.pending.front().envelope.get(); // a reference-counted slice
  auto expires = s.pending.front().expires;
  if (e.is_tombstone()) return finish(s, disposition::expired, "expired before it was sent", step);
  if (s.id.lane == lane::request && expires != 0 && wall_ >= expires) {
    answer(e, s.id.from, answer_status::expired, text_type, "its time to live had passed", step);
    return finish(s, disposition::expired, "its time to live had passed", step);
  }
  if (s.id.lane == lane::answer && e.status() != answer_status::ok) note_notice(e, s.id.from, step);
  keep(e, step);
  finish(s, disposition::handled, {}, step);
}

void mailbox::keep(const envelope& e, mailbox_step& step) {
  auto position = pending_->append(e, step.batch);
  if (env_.kept)
    step.released.push_back(
        [tell = env_.kept, self = who_.self, position] { tell(self, position); });
}

void mailbox::taken_by_owner(pending_ack a) { pending_acks_.push_back(std::move(a)); }

void mailbox::take_acks(mailbox_step& step) {
  while (!pending_acks_.empty()) {
    auto a = std::move(pending_acks_.front());
    pending_acks_.pop_front();
    result<void> done;
    if (!pending_)
      done = fail(errc::unsupported, "not_outside", "an agent takes its messages itself");
    else
      done = pending_->ack(a.upto, env_.disk, step.batch);
    step.released.push_back([a = std::move(a), done] { a.done(done); });
  }
}

} // namespace kith
