// See multistream.hpp. "ls" is optional in the specification and answered with "na", like any
// unknown protocol.
#include "protocols/libp2p/multistream.hpp"

#include <algorithm>

namespace kith::libp2p {

static constexpr std::string_view not_available = "na";

void put_multistream_message(bytes& out, std::string_view text) {
  put_varint(out, text.size() + 1);
  append(out, as_bytes(text));
  out.push_back('\n');
}

// The text without its newline.
static result<std::string_view> message_text(byte_view body) {
  if (body.empty() || body.back() != '\n')
    return fail(errc::malformed, "bad_multistream", "a message without a newline");
  return as_text(body.first(body.size() - 1));
}

static result<void> check_header(std::string_view text) {
  if (text != multistream_protocol)
    return fail(errc::malformed, "bad_multistream", "the peer does not speak multistream 1.0.0");
  return {};
}

void multistream_dialer::start(bytes& out) {
  put_multistream_message(out, multistream_protocol);
  put_multistream_message(out, proposals_.front());
}

result<void> multistream_dialer::receive(byte_view& in, bytes& out) {
  while (!agreed_) {
    KITH_ASSIGN(bool complete, reader_.receive(in));
    if (!complete) return {};
    KITH_ASSIGN(auto text, message_text(reader_.body()));
    KITH_TRY(handle(text, out));
  }
  return {};
}

result<void> multistream_dialer::handle(std::string_view text, bytes& out) {
  if (!header_seen_) {
    header_seen_ = true;
    return check_header(text);
  }
  if (text == proposals_[proposal_index_]) {
    agreed_ = proposals_[proposal_index_];
    return {};
  }
  if (text != not_available)
    return fail(errc::malformed, "bad_multistream", "neither an echo of the proposal nor na");
  if (++proposal_index_ == proposals_.size())
    return fail(errc::unsupported, "no_common_protocol",
                "the peer does not speak " + proposals_.back());
  put_multistream_message(out, proposals_[proposal_index_]);
  return {};
}

result<void> multistream_listener::receive(byte_view& in, bytes& out) {
  while (!agreed_) {
    KITH_ASSIGN(bool complete, reader_.receive(in));
    if (!complete) return {};
    KITH_ASSIGN(auto text, message_text(reader_.body()));
    KITH_TRY(handle(text, out));
  }
  return {};
}

result<void> multistream_listener::handle(std::string_view text, bytes& out) {
  if (!header_seen_) {
    header_seen_ = true;
    KITH_TRY(check_header(text));
    put_multistream_message(out, multistream_protocol);
    return {};
  }
  if (std::find(supported_->begin(), supported_->end(), text) != supported_->end()) {
    agreed_ = std::string(text);
    put_multistream_message(out, text);
    return {};
  }
  if (++refusal_count_ == multistream_refusals_max)
    return fail(errc::unsupported, "no_common_protocol",
                "the peer proposed nothing that is spoken here");
  put_multistream_message(out, not_available);
  return {};
}

} // namespace kith::libp2p
