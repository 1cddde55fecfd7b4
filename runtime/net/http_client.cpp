// Fetches: one connection a hop, from the dial to the last byte, and on to where a redirect leads.
#include "runtime/net/http_client.hpp"

#include "runtime/net/address_guard.hpp"
#include "runtime/net/http_client_reader.hpp"
#include "runtime/net/http_client_url.hpp"
#include "runtime/net/tls_stream.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace kith::net {
namespace {

// The connection's own; who gives them would contradict what is sent.
constexpr std::string_view own_headers[] = {"host",
                                            "content-length",
                                            "transfer-encoding",
                                            "connection",
                                            "keep-alive",
                                            "te",
                                            "upgrade",
                                            "trailer",
                                            "expect",
                                            "proxy-connection",
                                            "proxy-authorization"};
// They say who asks, to whom they were meant for and nobody else.
constexpr std::string_view secret_headers[] = {"authorization", "cookie", "signature",
                                               "signature-input"};
// They speak of a body that a redirect has dropped.
constexpr std::string_view body_headers[] = {"content-type",     "content-encoding",
                                             "content-language", "content-location",
                                             "content-digest",   "digest"};

bool is_own(std::string_view name) {
  return std::any_of(std::begin(own_headers), std::end(own_headers),
                     [&](std::string_view own) { return equal_ignoring_case(own, name); });
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

result<void> check(const fetch_request& r) {
  if (!is_http_token(r.method) || r.method == "CONNECT")
    return fail(errc::invalid, "bad_method", "the method is none that can be fetched with");
  if (r.body.size() > http_client::request_body_size_max)
    return fail(errc::too_large, "too_large", "the request's body is larger than 16 MiB");
  if (r.headers.size() > http_client::headers_max)
    return fail(errc::invalid, "bad_header", "the request has too many header fields");
  for (const auto& [name, value] : r.headers)
    if (!is_http_token(name) || !is_field_value(value) || is_own(name))
      return fail(errc::invalid, "bad_header",
                  "the header field \"" + std::string(name.substr(0, 100)) +
                      "\" is malformed or not the caller's to set");
  return {};
}

bytes request_bytes(const fetch_request& r, const http_url& url, const std::string& agent) {
  std::string head = r.method + " " + url.target + " HTTP/1.1\r\nHost: " + url.authority() + "\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  for (const auto& [name, value] : r.headers) add(name, value);
  if (!r.headers.find("user-agent")) add("User-Agent", agent);
  if (!r.headers.find("accept")) add("Accept", "*/*");
  if (!r.headers.find("accept-encoding")) add("Accept-Encoding", "identity");
  const bool expects_body = r.method == "POST" || r.method == "PUT" || r.method == "PATCH";
  if (!r.body.empty() || expects_body) add("Content-Length", std::to_string(r.body.size()));
  head += "Connection: close\r\n\r\n";
  bytes out = to_bytes(as_bytes(head));
  append(out, r.body);
  return out;
}

// As a redirect wants it (RFC 9110 section 15.4).
void follow(fetch_request& r, int status, bool same_origin) {
  const bool to_get = status == 303 ? r.method != "HEAD" : status <= 302 && r.method == "POST";
  if (to_get) {
    r.method = "GET";
    r.body = {};
    for (const std::string_view name : body_headers) r.headers.erase(name);
  }
  if (same_origin) return;
  for (const std::string_view name : secret_headers) r.headers.erase(name);
}

// One fetch under way. Shared by the client and by the handlers of what it waits for.
class running_fetch : public std::enable_shared_from_this<running_fetch> {
public:
  running_fetch(http_client::impl& client, fetch_id id, fetch_request request,
                const fetch_limits& limits, fetch_handler done)
      : client_(client), id_(id), request_(std::move(request)), limits_(limits),
        done_(std::move(done)) {}

  // `full`: there are as many as there may be.
  void begin(bool full);
  // Ends it without a word.
  void drop();
  void finish(result<fetch_answer> outcome);

private:
  void go_to(const http_url& url);
  void on_connected(result<std::unique_ptr<byte_stream>> stream);
  void on_data(byte_view data);
  void on_closed(const error& e);
  void on_response(http_response response);

  http_client::impl& client_; // not to be touched once over_
  const fetch_id id_;
  fetch_request request_;
  const fetch_limits limits_;
  fetch_handler done_;
  http_url url_;
  std::set<std::string> visited_; // "GET http://..."
  std::size_t redirects_ = 0;
  std::unique_ptr<byte_stream> stream_;
  std::optional<http_client_reader> reader_;
  timer_id timer_ = 0;
  bool over_ = false;
};

} // namespace

struct http_client::impl {
  reactor& on;
  network& through;
  const clock& time;
  const tls_client_context& trust;
  const http_client_options options;
  fetch_id last = 0;
  std::map<fetch_id, std::shared_ptr<running_fetch>> running;
};

namespace {

void running_fetch::begin(bool full) {
  timer_ = client_.on.after(limits_.time_max, [weak = weak_from_this()] {
    if (const auto self = weak.lock())
      self->finish(fail(errc::timeout, "timeout",
                        "the fetch took longer than it may, at " + self->url_.origin()));
  });
  client_.on.post([weak = weak_from_this(), full] {
    const auto self = weak.lock();
    if (!self || self->over_) return;
    if (full)
      return self->finish(fail(errc::overloaded, "too_many_fetches",
                               "too many fetches are under way; try again later"));
    if (auto ok = check(self->request_); !ok) return self->finish(fail(std::move(ok).error()));
    auto url = parse_http_url(self->request_.url);
    if (!url) return self->finish(fail(std::move(url).error()));
    self->go_to(*url);
  });
}

void running_fetch::drop() {
  if (std::exchange(over_, true)) return;
  client_.on.cancel(timer_);
  stream_.reset();
  // Not at once: it may hold the caller.
  if (done_) client_.on.post([done = std::exchange(done_, {})] {});
  client_.running.erase(id_);
}

void running_fetch::finish(result<fetch_answer> outcome) {
  if (over_) return;
  const auto self = shared_from_this();
  const auto done = std::exchange(done_, {});
  drop();
  done(std::move(outcome)); // the last: it may destroy the client
}

void running_fetch::go_to(const http_url& url) {
  url_ = url;
  if (!visited_.insert(request_.method + " " + url.text()).second)
    return finish(fail(errc::malformed, "redirect_cycle",
                       url.origin() + " redirects to itself, by way of others or not"));
  reader_.emplace(limits_, request_.method == "HEAD");
  connect_options options{.timeout = limits_.connect_time_max};
  if (!client_.options.allow_private) options.allow = public_addresses_only();
  client_.through.connect(url.address(), std::move(options),
                          [weak = weak_from_this()](auto stream) {
                            if (const auto self = weak.lock(); self && !self->over_)
                              self->on_connected(std::move(stream));
                          });
}

void running_fetch::on_connected(result<std::unique_ptr<byte_stream>> stream) {
  if (!stream) {
    error e = std::move(stream).error();
    if (e.code == "address_refused")
      e = {errc::forbidden, "address_private",
           url_.host + " is no public address, and others are not fetched from"};
    return finish(fail(std::move(e)));
  }
  stream_ = std::move(*stream);
  if (url_.secure)
    stream_ = tls_stream::dial(client_.on, client_.trust, std::move(stream_), url_.host,
                               client_.time.wall(), limits_.connect_time_max);
  // The stream is this fetch's own, so no handler is called once it is gone.
  stream_->start(
      {[this](byte_view data) { on_data(data); }, {}, [this](const error& e) { on_closed(e); }});
  stream_->write(request_bytes(request_, url_, client_.options.user_agent));
}

void running_fetch::on_data(byte_view data) {
  const auto self = shared_from_this();
  if (auto ok = reader_->feed(data); !ok) {
    error e = std::move(ok).error();
    e.context = url_.origin() + " answered with " + e.context;
    return finish(fail(std::move(e)));
  }
  if (reader_->done()) on_response(reader_->take());
}

void running_fetch::on_closed(const error& e) {
  const auto self = shared_from_this();
  if (e.code == "tls_handshake_timeout") return finish(fail(errc::timeout, "timeout", e.context));
  if (e.code == "tls_truncated") return finish(fail(errc::malformed, "truncated", e.context));
  if (e.code != "closed_by_peer") return finish(fail(e));
  if (auto ok = reader_->end(); !ok) {
    error truncated = std::move(ok).error();
    truncated.context = url_.origin() + ": " + truncated.context;
    return finish(fail(std::move(truncated)));
  }
  on_response(reader_->take());
}

void running_fetch::on_response(http_response response) {
  stream_.reset();
  const auto where = response.headers.find("location");
  if (!is_redirect(response.status) || !where || limits_.redirects_max == 0)
    return finish(fetch_answer{std::move(response), url_.text(), redirects_});
  if (response.headers.count("location") > 1)
    return finish(
        fail(errc::malformed, "bad_response", url_.origin() + " redirects to more than one place"));
  if (redirects_ == limits_.redirects_max)
    return finish(
        fail(errc::malformed, "too_many_redirects",
             url_.origin() + " redirects more than " + std::to_string(redirects_) + " times"));
  auto next = resolve_http_url(url_, *where);
  if (!next) return finish(fail(std::move(next).error()));
  if (url_.secure && !next->secure)
    return finish(
        fail(errc::forbidden, "downgrade", url_.origin() + " redirects from https to http"));
  ++redirects_;
  follow(request_, response.status, next->same_origin(url_));
  go_to(*next);
}

} // namespace

http_client::http_client(reactor& on, network& through, const clock& time,
                         const tls_client_context& trust, http_client_options options)
    : impl_(new impl{on, through, time, trust, std::move(options), 0, {}}) {}

http_client::~http_client() {
  for (const auto& [id, fetch] : std::map(impl_->running)) fetch->drop();
}

fetch_id http_client::fetch(fetch_request request, const fetch_limits& limits, fetch_handler done) {
  const fetch_id id = ++impl_->last;
  const bool full = impl_->running.size() >= impl_->options.fetches_max;
  auto made =
      std::make_shared<running_fetch>(*impl_, id, std::move(request), limits, std::move(done));
  impl_->running.emplace(id, made);
  made->begin(full);
  return id;
}

void http_client::cancel(fetch_id fetch) {
  const auto found = impl_->running.find(fetch);
  if (found == impl_->running.end()) return;
  const auto keep = found->second;
  keep->drop();
}

std::size_t http_client::active() const { return impl_->running.size(); }

} // namespace kith::net
