// Where OpenSSL reads and writes: memory of ours instead of a socket. For this folder only.
#pragma once

#include "runtime/net/tls_openssl.hpp"

namespace kith::net {

// Encrypted bytes on their way in and out. OpenSSL's own memory BIOs would keep a buffer of the
// largest size they ever had, and copy what came in.
class tls_wire {
public:
  // A BIO for one SSL, which frees it; this must outlive it.
  BIO* make_bio();

  // `data` is there to be read until the next settle().
  void feed(byte_view data);
  // Keeps what was not read, for `data` dies now.
  void settle();
  // Forgets what was not read.
  void drop() { in_ = {}, kept_ = {}; }

  // What OpenSSL wrote.
  std::size_t written() const { return out_.size(); }
  bytes take_written() { return std::exchange(out_, {}); }

  int read(char* to, std::size_t size);
  void write(byte_view data) { append(out_, data); }

private:
  byte_view in_; // in the caller's data, or in kept_
  bytes kept_, out_;
};

} // namespace kith::net
