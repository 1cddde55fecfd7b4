// Memory of ours as a BIO.
#include "runtime/net/tls_bio.hpp"

#include <algorithm>

namespace kith::net {
namespace {

tls_wire& wire_of(BIO* bio) { return *static_cast<tls_wire*>(BIO_get_data(bio)); }

int on_read(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  const int n = wire_of(bio).read(to, std::size_t(std::max(size, 0)));
  if (n > 0) return n;
  BIO_set_retry_read(bio); // never an end: that is the stream's to tell
  return -1;
}

int on_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  wire_of(bio).write({reinterpret_cast<const std::uint8_t*>(from), std::size_t(size)});
  return size;
}

long on_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

// Made once and never freed: streams may end after everything static.
const BIO_METHOD* wire_method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* m = need(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kith wire"));
    BIO_meth_set_read(m, on_read);
    BIO_meth_set_write(m, on_write);
    BIO_meth_set_ctrl(m, on_control);
    return m;
  }();
  return made;
}

} // namespace

BIO* tls_wire::make_bio() {
  BIO* out = need(BIO_new(wire_method()));
  BIO_set_data(out, this);
  BIO_set_init(out, 1);
  return out;
}

void tls_wire::feed(byte_view data) {
  if (kept_.empty()) {
    in_ = data;
  } else {
    append(kept_, data);
    in_ = kept_;
  }
}

void tls_wire::settle() {
  if (in_.empty()) {
    kept_ = {};
    return;
  }
  bytes rest = to_bytes(in_); // in_ may lie in kept_
  kept_ = std::move(rest);
  in_ = kept_;
}

int tls_wire::read(char* to, std::size_t size) {
  const std::size_t n = std::min(size, in_.size());
  if (n == 0) return 0;
  std::memcpy(to, in_.data(), n);
  in_ = in_.subspan(n);
  return int(n);
}

} // namespace kith::net
