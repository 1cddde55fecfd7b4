// TLS over a byte stream, as a byte stream: whoever reads and writes above cannot tell it from a
// plain one, but for how it ends. Works on real and on simulated streams.
#pragma once

#include "runtime/net/reactor.hpp"
#include "runtime/net/stream.hpp"
#include "runtime/net/tls_context.hpp"

#include <optional>

namespace kith::net {

// What a handshake agreed on.
struct tls_session {
  std::string version;     // "TLSv1.3"
  std::string cipher;      // "TLS_AES_256_GCM_SHA384"
  std::string protocol;    // by ALPN: "http/1.1", or empty
  std::string server_name; // by SNI, or empty
};

// Everything that byte_stream promises, and: the handshake begins with start(); what is written
// before its end waits in memory and is counted by unsent(); after it unsent() counts encrypted
// bytes. close() finishes a handshake under way if something was written, and sends close_notify.
//
// on_closed says, besides the codes of byte_stream: unauthenticated "tls_failed" (the handshake or
// a record; the context has the reason), timeout "tls_handshake_timeout", and malformed
// "tls_truncated": the connection ended without the peer's close_notify (RFC 8446 section 6.1), so
// that what came may have been cut short by anybody. "closed_by_peer" is said for an orderly end
// only. After a failure the peer gets the stream's linger time to take the alert; only then it is
// told.
class tls_stream final : public byte_stream {
public:
  static constexpr duration handshake_time_max = std::chrono::seconds(10); // then it is given up
  // Protocol answers (key updates) that a peer makes us send while it takes none; past it
  // "tls_failed".
  static constexpr std::size_t answers_size_max = 64 * 1024;

  // `below` is connected and not started; the reactor is its own. The contexts may go before the
  // stream does.
  static std::unique_ptr<tls_stream> accept(reactor& on, const tls_server_context& context,
                                            std::unique_ptr<byte_stream> below,
                                            duration handshake_max = handshake_time_max);
  // `host` is whom the certificate must name: a DNS name, which is also sent as SNI (RFC 6066), or
  // an IP address without brackets; one that is neither ends in "tls_failed". `now` is the time
  // that certificates are held against.
  static std::unique_ptr<tls_stream> dial(reactor& on, const tls_client_context& context,
                                          std::unique_ptr<byte_stream> below, std::string_view host,
                                          wall_ms now, duration handshake_max = handshake_time_max);
  ~tls_stream() override;

  // Nothing before the end of the handshake.
  std::optional<tls_session> session() const;

  void start(stream_handlers handlers) override;
  void write(bytes data) override;
  void write(slice data) override;
  std::size_t unsent() const override;
  void pause_reading() override;
  void resume_reading() override;
  void close() override;
  void abort() override;
  std::string remote_address() const override;

private:
  class state;
  explicit tls_stream(std::shared_ptr<state> inner);
  std::shared_ptr<state> state_; // shared with timers and jobs under way
};

} // namespace kith::net
