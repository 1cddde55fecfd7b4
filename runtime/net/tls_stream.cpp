// TLS over a byte stream: OpenSSL between the bytes of the stream below and those of the owner.
#include "runtime/net/tls_stream.hpp"

#include "runtime/net/ip_address.hpp"
#include "runtime/net/tls_bio.hpp"

#include <algorithm>
#include <cassert>

namespace kith::net {
namespace {

constexpr std::size_t record_size_max = 16 * 1024; // RFC 8446 section 5.1
constexpr std::size_t join_size_max = 256 * 1024;  // records that go down in one write

error closed_here() { return {errc::cancelled, "closed", "closed here"}; }
error tls_failed(std::string why) { return {errc::unauthenticated, "tls_failed", std::move(why)}; }

ssl_ptr make_ssl(SSL_CTX* context, tls_wire& wire) {
  ssl_ptr out(need(SSL_new(context)));
  BIO* const bio = wire.make_bio();
  SSL_set_bio(out.get(), bio, bio);
  return out;
}

// Whom the peer's certificate must name; false if `host` is nothing that it could.
bool expect_host(SSL* ssl, std::string_view host) {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                              X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (const auto ip = ip_address::parse(host))
    return X509_VERIFY_PARAM_set1_ip(wanted, ip->octets().data(), ip->octets().size()) == 1;
  // OpenSSL takes an empty name for "any", and one that begins with a dot for "any below".
  if (host.empty() || host.starts_with('.') || host.find('\0') != host.npos) return false;
  const std::string name(host);
  return X509_VERIFY_PARAM_set1_host(wanted, name.data(), name.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

} // namespace

class tls_stream::state : public std::enable_shared_from_this<state> {
public:
  state(reactor& on, std::unique_ptr<byte_stream> below, duration handshake_max, SSL_CTX* context)
      : on_(on), remote_(below->remote_address()), handshake_max_(handshake_max),
        below_(std::move(below)), ssl_(make_ssl(context, wire_)) {}

  void act_as_server() { SSL_set_accept_state(ssl_.get()); }
  void act_as_client(std::string_view host, wall_ms now);

  void start(stream_handlers handlers);
  void write(slice data);
  std::size_t unsent() const { return waiting_size_ + (below_ ? below_->unsent() : 0); }
  void pause();
  void resume();
  void close();
  void detach();
  std::optional<tls_session> session() const;
  const std::string& remote() const { return remote_; }

private:
  void on_below_data(byte_view data);
  void on_below_drained();
  void on_below_closed(const error& e);
  void process();
  void handshake();
  void on_secured();
  void read_records();
  void on_read_failed(int outcome);
  void bound_answers(std::size_t size);
  void encrypt(byte_view data);
  void send_written();
  void finish(error reason);
  void fail_with(error reason);
  void on_deadline();
  void tell_end();
  std::string handshake_reason() const;

  reactor& on_;
  const std::string remote_;
  const duration handshake_max_;
  std::string host_; // of a client
  tls_wire wire_;    // before ssl_, which uses it
  std::unique_ptr<byte_stream> below_;
  ssl_ptr ssl_;
  stream_handlers handlers_;
  std::vector<slice> waiting_; // written before the end of the handshake
  std::size_t waiting_size_ = 0;
  std::size_t answers_size_ = 0; // written by the protocol itself since the peer took everything
  timer_id deadline_ = 0;
  error reason_ = closed_here(); // what on_closed will say
  bool started_ = false;
  bool secured_ = false; // the handshake is done
  bool paused_ = false, resuming_ = false;
  bool closing_ = false; // the owner is done
  bool over_ = false;    // nothing more is read or written; the stream below is closing
  bool failed_ = false;
  bool told_ = false, detached_ = false;
};

void tls_stream::state::act_as_client(std::string_view host, wall_ms now) {
  host_ = host;
  SSL_set_connect_state(ssl_.get());
  X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl_.get()), time_t(now / 1000));
  if (expect_host(ssl_.get(), host)) return;
  over_ = failed_ = true;
  reason_ = tls_failed("\"" + host_.substr(0, 100) + "\" is no name that a certificate could have");
}

void tls_stream::state::start(stream_handlers handlers) {
  assert(!started_);
  started_ = true;
  handlers_ = std::move(handlers);
  if (detached_) return;
  below_->start({[weak = weak_from_this()](byte_view data) {
                   if (const auto self = weak.lock()) self->on_below_data(data);
                 },
                 [weak = weak_from_this()] {
                   if (const auto self = weak.lock()) self->on_below_drained();
                 },
                 [weak = weak_from_this()](const error& e) {
                   if (const auto self = weak.lock()) self->on_below_closed(e);
                 }});
  if (over_) return below_->close(); // which tells the end
  deadline_ = on_.after(handshake_max_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_deadline();
  });
  handshake(); // a client speaks first
}

void tls_stream::state::on_deadline() {
  if (over_ || secured_ || detached_) return;
  over_ = failed_ = true;
  reason_ = {errc::timeout, "tls_handshake_timeout",
             "the TLS handshake with " + remote_ + " took too long"};
  below_->abort(); // it had its time
  tell_end();
}

void tls_stream::state::on_below_data(byte_view data) {
  const auto self = shared_from_this(); // a handler may drop the owner's handle
  if (over_ || detached_) return;
  wire_.feed(data);
  process();
  if (over_ || detached_)
    wire_.drop();
  else
    wire_.settle();
}

void tls_stream::state::process() {
  if (!secured_) handshake();
  if (secured_ && !over_ && !detached_) read_records();
}

void tls_stream::state::handshake() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_.get());
  if (outcome == 1) return on_secured();
  if (SSL_get_error(ssl_.get(), outcome) != SSL_ERROR_WANT_READ)
    return fail_with(tls_failed("the TLS handshake with " + remote_ + ": " + handshake_reason()));
  send_written();
}

std::string tls_stream::state::handshake_reason() const {
  const long verified = SSL_get_verify_result(ssl_.get());
  if (verified == X509_V_OK) return openssl_reason();
  ERR_clear_error();
  return "the certificate of \"" + host_ +
         "\" is not accepted: " + X509_verify_cert_error_string(verified);
}

void tls_stream::state::on_secured() {
  secured_ = true;
  on_.cancel(std::exchange(deadline_, 0));
  send_written();
  const bool waited = waiting_size_ > 0;
  const bool much = waiting_size_ > low_water;
  waiting_size_ = 0;
  for (const slice& one : std::exchange(waiting_, {}))
    if (!over_) encrypt(one);
  if (over_) return;
  if (closing_) return finish(closed_here());
  if (paused_) below_->pause_reading();
  // The stream below tells of what still waits there; what went through at once is for us to tell.
  const std::size_t left = below_->unsent();
  if (waited && (left == 0 || (much && left <= low_water)) && handlers_.on_drained)
    handlers_.on_drained();
}

void tls_stream::state::read_records() {
  std::uint8_t plain[record_size_max];
  while (!paused_ && !over_ && !detached_) {
    ERR_clear_error();
    const int n = SSL_read(ssl_.get(), plain, sizeof plain);
    bound_answers(wire_.written());
    send_written();
    if (n <= 0) {
      if (!over_) on_read_failed(n);
      return;
    }
    if (!over_ && !closing_ && handlers_.on_data) handlers_.on_data({plain, std::size_t(n)});
  }
}

void tls_stream::state::on_read_failed(int outcome) {
  switch (SSL_get_error(ssl_.get(), outcome)) {
  case SSL_ERROR_WANT_READ: return;
  case SSL_ERROR_ZERO_RETURN:
    return finish({errc::unavailable, "closed_by_peer", remote_ + " closed the connection"});
  default: return fail_with(tls_failed("TLS with " + remote_ + ": " + openssl_reason()));
  }
}

// `size` bytes are about to be sent that nobody here asked for.
void tls_stream::state::bound_answers(std::size_t size) {
  if (size == 0) return;
  if (below_->unsent() == 0) answers_size_ = 0;
  answers_size_ += size;
  if (answers_size_ > answers_size_max)
    fail_with(tls_failed("TLS with " + remote_ + ": it asks for answers and takes none"));
}

void tls_stream::state::write(slice data) {
  if (over_ || closing_ || detached_ || data.empty()) return;
  if (secured_) return encrypt(data);
  waiting_size_ += data.size();
  waiting_.push_back(std::move(data));
}

void tls_stream::state::encrypt(byte_view data) {
  while (!data.empty()) {
    const byte_view part = data.first(std::min(data.size(), record_size_max));
    data = data.subspan(part.size());
    ERR_clear_error();
    if (SSL_write(ssl_.get(), part.data(), int(part.size())) <= 0)
      return fail_with(tls_failed("TLS with " + remote_ + ": " + openssl_reason()));
    if (wire_.written() >= join_size_max) send_written();
  }
  send_written();
}

void tls_stream::state::send_written() {
  if (wire_.written() > 0) below_->write(wire_.take_written());
}

void tls_stream::state::on_below_drained() {
  if (secured_ && !over_ && !closing_ && !detached_ && handlers_.on_drained) handlers_.on_drained();
}

void tls_stream::state::pause() {
  paused_ = true;
  if (secured_ && !over_ && !detached_) below_->pause_reading();
}

void tls_stream::state::resume() {
  if (!std::exchange(paused_, false) || !secured_ || resuming_) return;
  resuming_ = true;
  on_.post([self = shared_from_this()] {
    self->resuming_ = false;
    if (self->paused_ || self->over_ || self->detached_) return;
    self->read_records(); // what came before the pause
    if (self->over_ || self->detached_) return self->wire_.drop();
    self->wire_.settle();
    if (!self->paused_) self->below_->resume_reading();
  });
}

void tls_stream::state::close() {
  if (over_ || closing_ || detached_) return;
  closing_ = true;
  if (secured_ || waiting_.empty()) finish(closed_here());
}

// An orderly end: the peer is told, and gets what was written.
void tls_stream::state::finish(error reason) {
  over_ = true;
  reason_ = std::move(reason);
  on_.cancel(std::exchange(deadline_, 0));
  ERR_clear_error();
  if (secured_) SSL_shutdown(ssl_.get());
  send_written();
  below_->close();
}

void tls_stream::state::fail_with(error reason) {
  if (over_) return;
  over_ = failed_ = true;
  reason_ = std::move(reason);
  on_.cancel(std::exchange(deadline_, 0));
  waiting_.clear();
  waiting_size_ = 0;
  send_written(); // the alert
  below_->close();
}

void tls_stream::state::on_below_closed(const error& e) {
  const auto self = shared_from_this();
  if (!over_ && secured_ && !detached_) read_records(); // if a resume is under way
  if (detached_ || told_) return;
  const bool orderly = e.code == "closed" || e.code == "closed_by_peer";
  if (!over_ && !secured_)
    reason_ = tls_failed("the connection ended during the TLS handshake: " + e.context);
  else if (!over_ && orderly)
    reason_ = {errc::malformed, "tls_truncated",
               remote_ + " ended the connection without TLS's close_notify"};
  else if (!failed_ && !orderly)
    reason_ = e;
  over_ = true;
  on_.cancel(std::exchange(deadline_, 0));
  wire_.drop();
  tell_end();
}

void tls_stream::state::tell_end() {
  if (std::exchange(told_, true) || detached_) return;
  const auto handlers = std::exchange(handlers_, {}); // frees what they hold
  if (handlers.on_closed) handlers.on_closed(reason_);
}

void tls_stream::state::detach() {
  if (std::exchange(detached_, true)) return;
  on_.cancel(std::exchange(deadline_, 0));
  waiting_.clear();
  waiting_size_ = 0;
  below_.reset();
  // Not at once: one of them may be the caller.
  if (started_) on_.post([self = shared_from_this()] { self->handlers_ = {}; });
}

std::optional<tls_session> tls_stream::state::session() const {
  if (!secured_) return {};
  SSL* const ssl = ssl_.get();
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  return tls_session{SSL_get_version(ssl), SSL_get_cipher_name(ssl),
                     std::string(as_text({protocol, size})), name != nullptr ? name : ""};
}

std::unique_ptr<tls_stream> tls_stream::accept(reactor& on, const tls_server_context& context,
                                               std::unique_ptr<byte_stream> below,
                                               duration handshake_max) {
  auto made =
      std::make_shared<state>(on, std::move(below), handshake_max, context.inner().context.get());
  made->act_as_server();
  return std::unique_ptr<tls_stream>(new tls_stream(std::move(made)));
}

std::unique_ptr<tls_stream> tls_stream::dial(reactor& on, const tls_client_context& context,
                                             std::unique_ptr<byte_stream> below,
                                             std::string_view host, wall_ms now,
                                             duration handshake_max) {
  auto made =
      std::make_shared<state>(on, std::move(below), handshake_max, context.inner().context.get());
  made->act_as_client(host, now);
  return std::unique_ptr<tls_stream>(new tls_stream(std::move(made)));
}

tls_stream::tls_stream(std::shared_ptr<state> inner) : state_(std::move(inner)) {}
tls_stream::~tls_stream() { state_->detach(); }

std::optional<tls_session> tls_stream::session() const { return state_->session(); }
void tls_stream::start(stream_handlers handlers) { state_->start(std::move(handlers)); }
void tls_stream::write(bytes data) { state_->write(slice(std::move(data))); }
void tls_stream::write(slice data) { state_->write(std::move(data)); }
std::size_t tls_stream::unsent() const { return state_->unsent(); }
void tls_stream::pause_reading() { state_->pause(); }
void tls_stream::resume_reading() { state_->resume(); }
void tls_stream::close() { state_->close(); }
void tls_stream::abort() { state_->detach(); }
std::string tls_stream::remote_address() const { return state_->remote(); }

} // namespace kith::net
