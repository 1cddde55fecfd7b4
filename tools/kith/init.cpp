// Creating state directories.
#include "tools/kith/init.hpp"
#include "runtime/base/random.hpp"
#include "runtime/identity/keystore.hpp"
#include "runtime/net/network.hpp"
#include "tools/kith/files.hpp"
#include "tools/kith/node_settings.hpp"
#include "tools/kith/options.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kith::cli {
namespace {

namespace fs = std::filesystem;

result<> make_directory(const fs::path& path) {
  std::error_code ec;
  fs::create_directories(path, ec);
  if (!ec) fs::permissions(path, fs::perms::owner_all, ec);
  if (ec)
    return fail(errc::io, "state_dir", "cannot create " + path.string() + ": " + ec.message());
  return {};
}

// The cluster's secret: the one that is there, a copy of the one to join with, or a new one.
result<> ensure_secret(const state_dir& dir, const init_request& request) {
  system_random random;
  std::error_code ec;
  if (!request.secret_file.empty()) {
    KITH_ASSIGN(const auto given, read_secret_file(request.secret_file));
    if (!fs::exists(dir.secret_file(), ec))
      return write_secret_file(dir.secret_file(), given.expose(), random);
    KITH_ASSIGN(const auto there, read_secret_file(dir.secret_file()));
    if (there == given) return {};
    return fail(errc::conflict, "other_cluster",
                dir.path().string() +
                    " belongs to a cluster with another secret; use another --dir");
  }
  if (fs::exists(dir.secret_file(), ec)) return {};
  byte_array<32> fresh;
  random.fill(fresh);
  const auto text = to_hex(fresh);
  return write_secret_file(dir.secret_file(), as_bytes(text), random);
}

result<std::vector<std::string>> addresses(const std::string& listen, unsigned count) {
  std::vector<std::string> out;
  if (listen.empty()) {
    KITH_ASSIGN(const auto ports, free_ports(count));
    for (const auto port : ports) out.push_back("127.0.0.1:" + std::to_string(port));
    return out;
  }
  KITH_ASSIGN(auto first, net::parse_address(listen));
  if (first.type != net::address::kind::tcp || first.port == 0 || first.port + count - 1 > 65535)
    return fail(errc::invalid, "bad_address",
                "'" + listen + "' is no host:port with room for " + std::to_string(count) +
                    " ports");
  for (unsigned i = 0; i < count; ++i, ++first.port) out.push_back(first.text());
  return out;
}

// "n1", "n2", ... as far as they are free.
std::vector<std::string> new_names(const std::vector<std::string>& taken, std::size_t count) {
  std::vector<std::string> names;
  for (unsigned i = 1; names.size() < count; ++i) {
    const auto name = "n" + std::to_string(i);
    if (std::find(taken.begin(), taken.end(), name) == taken.end()) names.push_back(name);
  }
  return names;
}

} // namespace

result<std::vector<std::uint16_t>> free_ports(unsigned count) {
  // All are held at once, so that no two are the same.
  std::vector<int> held;
  std::vector<std::uint16_t> ports;
  while (ports.size() < count) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) break;
    held.push_back(fd);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0)
      break;
    ports.push_back(ntohs(at.sin_port));
  }
  for (const int fd : held) ::close(fd);
  if (ports.size() < count) return fail(errc::io, "no_free_port", "127.0.0.1 has no free port");
  return ports;
}

result<std::vector<std::string>> init(const state_dir& dir, const init_request& request) {
  const auto there = dir.node_names();
  if (there.size() >= request.nodes)
    return fail(errc::exists, "nodes_exist",
                dir.path().string() + " has " + std::to_string(there.size()) +
                    " nodes already; start them with `kith up`");
  if (!request.join.empty() && request.secret_file.empty())
    return fail(errc::invalid, "join_needs_secret",
                "--join needs --secret-file: the cluster.secret of the cluster to join");
  if (!request.join.empty()) KITH_TRY(net::parse_address(request.join));
  const auto names = new_names(there, request.nodes - there.size());
  KITH_ASSIGN(const auto listens, addresses(request.listen, unsigned(names.size())));
  std::vector<std::string> seeds;
  if (!request.join.empty())
    seeds = {request.join};
  else if (!there.empty()) {
    KITH_ASSIGN(const auto first, read_node_settings(dir.settings_file(there.front())));
    seeds = {first.listen};
  }
  std::optional<crypto::secret_buffer> passphrase;
  if (request.passphrase) {
    KITH_ASSIGN(passphrase, request.passphrase(names));
  }
  KITH_TRY(make_directory(dir.path()));
  KITH_TRY(ensure_secret(dir, request));
  for (std::size_t i = 0; i < names.size(); ++i) {
    KITH_TRY(make_directory(dir.node_dir(names[i])));
    const node_settings s{names[i], listens[i], seeds, "../../cluster.secret"};
    KITH_TRY(write_file(dir.settings_file(names[i]), to_toml(s)));
    if (seeds.empty()) seeds = {listens[i]};
    system_random random;
    if (passphrase)
      KITH_TRY(keystore::open_or_create(dir.node_dir(names[i]) / "keys", random, &*passphrase));
  }
  return names;
}

} // namespace kith::cli
