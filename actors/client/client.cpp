// The client: a connection, the ids of its messages, and trying again.
#include "actors/client/wire.hpp"
#include "runtime/net/blocking_client.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <poll.h>
#include <vector>

namespace kith {
namespace {

namespace fs = std::filesystem;

// An ask's answer may come this much after its deadline: the node says that it passed.
constexpr duration ask_grace = std::chrono::seconds(5);

// The nodes' sockets under a state directory, in the order of their names.
std::vector<std::string> sockets_under(const fs::path& nodes) {
  std::vector<std::string> found;
  std::error_code ec;
  for (fs::directory_iterator it(nodes, ec), end; !ec && it != end; it.increment(ec))
    found.push_back(control_socket_of(it->path().string()));
  std::sort(found.begin(), found.end());
  return found;
}

result<std::vector<std::string>> sockets_at(const std::string& where) {
  std::error_code ec;
  const fs::path path(where);
  if (!fs::exists(path, ec))
    return fail(errc::not_found, "state_dir_missing",
                "there is no " + where + "; create a cluster with `kith init`");
  if (!fs::is_directory(path, ec)) return std::vector<std::string>{where};
  if (fs::is_directory(path / "nodes", ec)) return sockets_under(path / "nodes");
  return std::vector<std::string>{control_socket_of(where)};
}

std::uint64_t milliseconds(duration d) {
  return std::uint64_t(
      std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::milliseconds>(d).count()));
}

} // namespace

std::string control_socket_of(const std::string& node_dir) {
  return (fs::path(node_dir) / "control.sock").string();
}

struct client::impl {
  client_options options;
  std::string socket;
  std::optional<net::blocking_client> connection;
  std::uint64_t last_request = 0;
  uuid_generator ids;
  system_clock clock;
  system_random random;

  result<> ensure_connected() {
    if (connection) return {};
    KITH_ASSIGN(connection, net::blocking_client::connect(socket, options.connect_timeout));
    return {};
  }

  // One attempt. After any error of the connection's it is closed, so that no late answer is taken
  // for the answer to a later request.
  result<std::string> exchange(std::string_view verb, std::string_view arguments,
                               duration timeout) {
    const auto request = ++last_request;
    KITH_ASSIGN(const auto line, control::request_line(request, verb, arguments));
    KITH_TRY(ensure_connected());
    auto answer = write_and_read(request, line, timeout);
    if (!answer) {
      connection.reset();
      return fail(answer.error());
    }
    return std::move(answer->outcome);
  }

  result<control::answer_line> write_and_read(std::uint64_t request, const std::string& line,
                                              duration timeout) {
    const auto deadline = clock.now() + timeout;
    KITH_TRY(connection->write_line(line, timeout));
    for (;;) {
      const auto left = std::max(duration::zero(), deadline - clock.now());
      KITH_ASSIGN(const auto text, connection->read_line(control::line_size_max, left));
      KITH_ASSIGN(auto answer, control::parse_answer(text));
      if (answer.id == request || (answer.id == 0 && !answer.outcome)) return answer;
    }
  }

  // For requests that carry an id, which may therefore be said twice.
  result<std::string> insist(std::string_view verb, std::string_view arguments, duration timeout) {
    for (unsigned attempt = 1;; ++attempt) {
      auto outcome = exchange(verb, arguments, timeout);
      const bool away = !outcome && !connection && outcome.error().category == errc::unavailable;
      if (!away || attempt >= options.attempts_max) return outcome;
      pause(attempt);
    }
  }

  void pause(unsigned attempt) {
    auto delay = options.retry_delay;
    for (unsigned i = 1; i < attempt && delay < options.retry_delay_max; ++i) delay *= 2;
    delay = std::min(delay, options.retry_delay_max);
    delay -= duration(std::int64_t(random.below(std::uint64_t(delay.count()) / 2 + 1)));
    if (options.wait) return options.wait(delay);
    // Nothing to wait for but time: the node is away, and its socket does not say when it is back.
    ::poll(nullptr, 0, int(std::chrono::ceil<std::chrono::milliseconds>(delay).count()));
  }

  uuid id_or_new(const uuid& id) { return id.is_nil() ? ids.next(clock.wall(), random) : id; }
};

client::client(std::unique_ptr<impl> inner) : impl_(std::move(inner)) {}
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

result<client> client::connect(const std::string& where, client_options options) {
  KITH_ASSIGN(const auto sockets, sockets_at(where));
  error last{errc::unavailable, "node_not_running",
             "no node is running in " + where + "; start it with `kith up`"};
  for (const auto& socket : sockets) {
    auto connection = net::blocking_client::connect(socket, options.connect_timeout);
    if (connection) {
      auto inner = std::make_unique<impl>();
      inner->options = std::move(options);
      inner->socket = socket;
      inner->connection = std::move(*connection);
      return client(std::move(inner));
    }
    if (connection.error().category != errc::unavailable) last = connection.error();
  }
  return fail(last);
}

result<client_sent> client::send(std::string_view to, std::string_view kind,
                                 const client_content& what, const client_send_options& options) {
  auto with_id = options;
  with_id.id = impl_->id_or_new(options.id);
  KITH_ASSIGN(const auto arguments, control::send_arguments(to, kind, what, with_id));
  KITH_ASSIGN(const auto answer, impl_->insist("send", arguments, impl_->options.request_timeout));
  return control::parse_sent(answer);
}

result<client_answer> client::ask(std::string_view to, std::string_view kind,
                                  const client_content& what, duration timeout, const uuid& id) {
  KITH_ASSIGN(const auto arguments,
              control::ask_arguments(to, kind, what, milliseconds(timeout), impl_->id_or_new(id)));
  KITH_ASSIGN(const auto answer, impl_->insist("ask", arguments, timeout + ask_grace));
  return control::parse_asked(answer);
}

result<std::string> client::call(std::string_view verb, std::string_view arguments,
                                 duration timeout) {
  return impl_->exchange(verb, arguments, timeout);
}

const std::string& client::socket_path() const { return impl_->socket; }

} // namespace kith
