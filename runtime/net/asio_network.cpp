// Listening and dialling on real sockets.
#include "runtime/net/asio_reactor_impl.hpp"
#include "runtime/net/sockets.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <netdb.h>
#include <netinet/in.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace kith::net {
namespace {

constexpr int backlog_max = 1024;
constexpr int accept_round_max = 64;
constexpr std::size_t endpoints_max = 16; // of one name
// Out of descriptors: those who wait stay in the backlog until then.
constexpr duration accept_retry_delay = std::chrono::milliseconds(100);

// Shared by the owner's handle and the wait under way.
// Who connected to a Unix socket, as the kernel says: "unix:uid=1000,pid=4711".
std::string local_peer(int fd) {
  ucred who{};
  socklen_t size = sizeof who;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return "unix:";
  return "unix:uid=" + std::to_string(who.uid) + ",pid=" + std::to_string(who.pid);
}

struct accept_loop : std::enable_shared_from_this<accept_loop> {
  accept_loop(asio_reactor::impl& reactor, unique_fd fd, accept_handler handler)
      : on(reactor), socket(reactor.io, fd.release()), on_accept(std::move(handler)) {}

  void wait() {
    socket.async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& ec) {
                        if (!ec) self->accept();
                      });
  }

  void accept() {
    for (int i = 0; i < accept_round_max && !closed; ++i) {
      endpoint peer;
      peer.size = sizeof peer.storage;
      unique_fd fd(
          ::accept4(socket.native_handle(), peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) {
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        on.after(accept_retry_delay, [self = shared_from_this()] {
          if (!self->closed) self->accept();
        });
        return;
      }
      if (peer.family() != AF_UNIX) tune_tcp(fd.get());
      auto from = peer.family() == AF_UNIX ? local_peer(fd.get()) : endpoint_text(peer);
      on_accept(make_asio_stream(on, fd.release(), std::move(from)));
    }
    if (!closed) wait();
  }

  asio_reactor::impl& on;
  asio::posix::stream_descriptor socket;
  accept_handler on_accept;
  bool closed = false;
};

class asio_listener final : public listener {
public:
  asio_listener(std::shared_ptr<accept_loop> loop, std::string where, std::uint16_t port)
      : loop_(std::move(loop)), where_(std::move(where)), port_(port) {
    loop_->wait();
  }
  ~asio_listener() override {
    remove_file();
    loop_->closed = true;
    boost::system::error_code ignored; // the descriptor is closed whatever close(2) says
    loop_->socket.close(ignored);
  }
  std::uint16_t local_port() const override { return port_; }
  std::string local_address() const override { return where_; }

  // From now on the socket file is ours to remove, as long as it is this very file.
  void own_file(const std::string& path) {
    if (::lstat(path.c_str(), &file_) == 0) path_ = path;
  }

private:
  void remove_file() const {
    struct stat now {};
    if (!path_.empty() && ::lstat(path_.c_str(), &now) == 0 && now.st_dev == file_.st_dev &&
        now.st_ino == file_.st_ino)
      ::unlink(path_.c_str());
  }

  std::shared_ptr<accept_loop> loop_;
  std::string where_;
  std::uint16_t port_;
  std::string path_;
  struct stat file_ {};
};

error listen_error(int number, const std::string& where) {
  switch (number) {
  case EADDRINUSE:
    return {errc::unavailable, "address_in_use",
            where + " is in use by another process; stop it or choose another address"};
  case EADDRNOTAVAIL:
    return {errc::unavailable, "address_not_available", where + " is no address of this machine"};
  case EACCES:
  case EPERM: return {errc::forbidden, "address_forbidden", where + ": " + errno_text(number)};
  default: return {errc::io, "listen_failed", where + ": " + errno_text(number)};
  }
}

// Whether the file at `path` is a socket that nobody serves any more.
bool is_stale_socket(const std::string& path, const unix_endpoint& at) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const unique_fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return probe && ::connect(probe.get(), at.where.get(), at.where.size) != 0 &&
         errno == ECONNREFUSED;
}

// Two processes that replace the same stale file at the same instant could both succeed; a node
// holds the lock of its state directory before it listens there.
result<unique_fd> bind_unix(const std::string& path, const std::string& where) {
  KITH_ASSIGN(const unix_endpoint at, resolve_unix(path));
  KITH_ASSIGN(unique_fd fd, open_socket(AF_UNIX));
  // Linux takes the mode of the file that bind() makes from the socket, so it is never open to
  // others.
  if (::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0) return fail(listen_error(errno, where));
  if (::bind(fd.get(), at.where.get(), at.where.size) != 0) {
    if (errno != EADDRINUSE) return fail(listen_error(errno, where));
    if (!is_stale_socket(path, at)) return fail(listen_error(EADDRINUSE, where));
    ::unlink(path.c_str());
    if (::bind(fd.get(), at.where.get(), at.where.size) != 0)
      return fail(listen_error(errno, where));
  }
  if (::listen(fd.get(), backlog_max) != 0) return fail(listen_error(errno, where));
  return fd;
}

// Blocks on a name that is not a number.
result<endpoint> local_endpoint(const address& a) {
  if (const auto numeric = numeric_endpoints(a); !numeric.empty()) return numeric.front();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(a.host.c_str(), std::to_string(a.port).c_str(), &hints, &found) != 0)
    return fail(errc::unavailable, "host_not_found", a.host + " is not a known host name");
  endpoint e;
  e.size = found->ai_addrlen;
  std::memcpy(&e.storage, found->ai_addr, e.size);
  ::freeaddrinfo(found);
  return e;
}

result<unique_fd> bind_tcp(const address& a) {
  KITH_ASSIGN(const endpoint at, local_endpoint(a));
  KITH_ASSIGN(unique_fd fd, open_socket(at.family()));
  const int yes = 1; // so that a restarted node gets its port back at once
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(fd.get(), at.get(), at.size) != 0 || ::listen(fd.get(), backlog_max) != 0)
    return fail(listen_error(errno, a.text()));
  return fd;
}

// One dial: the endpoints of an address in turn, until one answers or the time is up.
struct dial : std::enable_shared_from_this<dial> {
  dial(asio_reactor::impl& reactor, std::string to, address_filter filter, connect_handler handler)
      : on(reactor), where(std::move(to)), allow(std::move(filter)), done(std::move(handler)),
        resolver(reactor.io), last{errc::unavailable, "host_not_found", where + " has no address"} {
  }

  void resolve(const address& a) {
    resolver.async_resolve(
        a.host, std::to_string(a.port), asio::ip::tcp::resolver::numeric_service,
        [self = shared_from_this()](const boost::system::error_code& ec, auto results) {
          if (self->finished) return;
          if (ec) return self->finish(fail(self->last));
          for (const auto& one : results) {
            if (self->endpoints.size() == endpoints_max) break;
            endpoint& e = self->endpoints.emplace_back();
            e.size = socklen_t(one.endpoint().size());
            std::memcpy(&e.storage, one.endpoint().data(), e.size);
          }
          self->try_next();
        });
  }

  void try_next() {
    while (next < endpoints.size()) {
      const endpoint& e = endpoints[next++];
      if (const auto ip = endpoint_ip(e); allow && (!ip || !allow(*ip))) {
        last = refused_address(where, ip);
        continue;
      }
      auto fd = open_socket(e.family());
      if (!fd) {
        last = std::move(fd).error();
        continue;
      }
      const int failed = ::connect(fd->get(), e.get(), e.size) == 0 ? 0 : errno;
      if (failed != 0 && failed != EINPROGRESS) {
        last = connect_error(failed, where);
        continue;
      }
      socket.emplace(on.io, fd->release());
      if (failed == 0) return succeed();
      socket->async_wait(asio::posix::stream_descriptor::wait_write,
                         [self = shared_from_this()](const boost::system::error_code& ec) {
                           if (!ec && !self->finished) self->on_answer();
                         });
      return;
    }
    finish(fail(last));
  }

  void on_answer() {
    int failed = 0;
    socklen_t size = sizeof failed;
    ::getsockopt(socket->native_handle(), SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed == 0) return succeed();
    last = connect_error(failed, where);
    socket.reset();
    try_next();
  }

  void succeed() {
    endpoint peer;
    peer.size = sizeof peer.storage;
    const bool named = ::getpeername(socket->native_handle(), peer.get(), &peer.size) == 0;
    std::string remote = named && peer.family() != AF_UNIX ? endpoint_text(peer) : where;
    const int fd = socket->release();
    socket.reset();
    finish(make_asio_stream(on, fd, std::move(remote)));
  }

  void finish(result<std::unique_ptr<byte_stream>> outcome) {
    stop();
    const auto handler = std::move(done);
    handler(std::move(outcome));
  }

  void stop() {
    finished = true;
    on.cancel(timer);
    resolver.cancel();
    socket.reset();
  }

  asio_reactor::impl& on;
  std::string where;
  address_filter allow;
  connect_handler done;
  asio::ip::tcp::resolver resolver;
  std::optional<asio::posix::stream_descriptor> socket;
  std::vector<endpoint> endpoints;
  std::size_t next = 0;
  unique_fd folder; // of a long Unix path
  timer_id timer = 0;
  error last;
  bool finished = false;
};

} // namespace

struct asio_network::impl {
  asio_reactor::impl& on;
  asio_reactor& reactor;
  std::vector<std::weak_ptr<dial>> dials; // those under way, and some that are over

  void keep(const std::shared_ptr<dial>& d) {
    std::erase_if(dials, [](const auto& weak) {
      const auto old = weak.lock();
      return !old || old->finished;
    });
    dials.push_back(d);
  }
};

asio_network::asio_network(asio_reactor& on)
    : impl_(std::make_unique<impl>(impl{on.inner(), on, {}})) {}

asio_network::~asio_network() {
  assert(impl_->reactor.on_thread());
  for (const auto& weak : impl_->dials)
    if (const auto d = weak.lock(); d && !d->finished) d->stop();
}

result<std::unique_ptr<listener>> asio_network::listen(std::string_view text,
                                                       accept_handler on_accept) {
  assert(impl_->reactor.on_thread());
  KITH_ASSIGN(const address a, parse_address(text));
  const bool local = a.type == address::kind::unix_socket;
  auto bound = local ? bind_unix(a.path, a.text()) : bind_tcp(a);
  KITH_ASSIGN(unique_fd fd, std::move(bound));
  endpoint at;
  at.size = sizeof at.storage;
  if (::getsockname(fd.get(), at.get(), &at.size) != 0) return fail(listen_error(errno, a.text()));
  auto out = std::make_unique<asio_listener>(
      std::make_shared<accept_loop>(impl_->on, std::move(fd), std::move(on_accept)),
      local ? a.text() : endpoint_text(at), endpoint_port(at));
  if (local) out->own_file(a.path);
  return out;
}

void asio_network::connect(std::string_view text, connect_options options, connect_handler done) {
  assert(impl_->reactor.on_thread());
  const auto d = std::make_shared<dial>(impl_->on, std::string(text), std::move(options.allow),
                                        std::move(done));
  impl_->keep(d);
  // From here on by a job, so that `done` is never called from within this call.
  const auto refuse = [&](error e) {
    impl_->on.post([d, e = std::move(e)] {
      if (!d->finished) d->finish(fail(e));
    });
  };
  const auto a = parse_address(text);
  if (!a) return refuse(a.error());
  if (a->type == address::kind::unix_socket) {
    auto at = resolve_unix(a->path);
    if (!at) return refuse(at.error());
    d->endpoints = {at->where};
    d->folder = std::move(at->folder);
  } else {
    d->endpoints = numeric_endpoints(*a);
  }
  d->timer = impl_->on.after(options.timeout, [d] {
    if (!d->finished) d->finish(fail(connect_error(ETIMEDOUT, d->where)));
  });
  if (d->endpoints.empty()) return d->resolve(*a);
  impl_->on.post([d] {
    if (!d->finished) d->try_next();
  });
}

} // namespace kith::net
