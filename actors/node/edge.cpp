// The edge of a node: its options from the settings, its thread, and what of the node it may use.
#include "actors/node/edge_host.hpp"
#include "actors/node/parts.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/identity/key_file.hpp"

#include <fstream>

namespace kith {

namespace {

constexpr std::size_t token_size = 32; // bytes of chance

// The operator's token, made at the first start: whoever can read the file is the operator.
result<std::string> operator_token(node_parts& parts) {
  auto path = parts.options.dir / "operator.token";
  std::error_code ec;
  if (!std::filesystem::exists(path, ec)) {
    byte_array<token_size> chance;
    parts.random.fill(chance);
    KITH_TRY(write_secret_file(path, as_bytes(to_hex(chance)), parts.random));
  }
  KITH_ASSIGN(auto secret, read_secret_file(path));
  return std::string(as_text(secret.expose()));
}

result<edge::server_options> options_of(node_parts& parts) {
  const auto& s = parts.options.settings;
  edge::server_options o;
  o.listen = s.text("edge.listen");
  o.files = {s.text("edge.certificate_file"), s.text("edge.key_file")};
  if (s.text("edge.tls") == "off")
    o.tls = edge::tls_mode::off;
  else if (!o.files.chain.empty() || !o.files.key.empty())
    o.tls = edge::tls_mode::files;
  else if (!edge::is_loopback(o.listen))
    return fail(errc::invalid, "tls_needed",
                "a certificate made for this machine only is of no use beyond it; set "
                "edge.certificate_file and edge.key_file, or listen on 127.0.0.1");
  auto policy = s.text("edge.mailboxes");
  o.access.mailboxes = policy == "open"     ? edge::mailbox_policy::open
                       : policy == "closed" ? edge::mailbox_policy::closed
                                            : edge::mailbox_policy::listed;
  for (const auto& text : s.list("edge.allow")) {
    KITH_ASSIGN(auto who, did::parse(text));
    o.access.listed.insert(std::move(who));
  }
  auto url = s.text("edge.public_url");
  if (!url.empty()) o.access.scheme = url.starts_with("http://") ? "http" : "https";
  KITH_ASSIGN(o.access.operator_token, operator_token(parts));
  auto reads = double(s.integer("edge.reads_per_s")),
       writes = double(s.integer("edge.writes_per_s"));
  o.reads = {reads, 2 * reads};
  o.writes = {writes, 2 * writes};
  o.http.body_size_max = std::size_t(s.integer("edge.body_bytes_max"));
  o.http.connections_max = std::size_t(s.integer("edge.connections_max"));
  o.http.connections_per_address_max = std::size_t(s.integer("edge.connections_per_address_max"));
  o.client.allow_private = s.boolean("edge.fetch_private");
  if (auto ca = s.text("edge.ca_file"); !ca.empty()) o.trust.ca_files.push_back(ca);
  return o;
}

edge::services services_of(node_parts& parts) {
  edge::services of{parts.self(),
                    parts.name,
                    KITH_VERSION,
                    parts.options.settings.text("edge.public_url"),
                    parts.started,
                    parts.time,
                    parts.random,
                    *parts.disk,
                    parts.router,
                    parts.directory,
                    *parts.delegations,
                    parts.meters.all,
                    parts.log.component("edge"),
                    parts.hub,
                    parts.histories};
  while (of.public_url.ends_with('/')) of.public_url.pop_back();
  of.payload_size_max = std::size_t(parts.options.settings.integer("limits.payload_max"));
  of.disk_low = [&parts] {
    auto free = parts.free_bytes();
    auto reserve = std::uint64_t(parts.options.settings.integer("store.disk_reserve_mb")) << 20;
    return free && *free < reserve;
  };
  of.unready = [&parts]() -> std::string {
    bool up = parts.router.find(parts.self()).mailbox != nullptr;
    std::lock_guard lock(parts.mutex);
    if (parts.draining) return "the node is stopping";
    if (!parts.joined || !up) return "the node is joining its cluster";
    return {};
  };
  of.open_mailbox = [&parts](delegation d, auto done) {
    open_mailbox(parts, std::move(d), std::move(done));
  };
  of.read_metrics = [&parts] { return read_metrics(parts); };
  if (parts.audit)
    of.audit = [&log = *parts.audit](const std::string& act, const std::string& subject,
                                     const std::string& who, auto done) {
      log.append({act, subject, "begun", who}, std::move(done));
    };
  of.history = [&parts](const uuid& id) { return where_here(parts, id); };
  return of;
}

// What local clients may be told to trust.
void publish_certificate(node_parts& parts, const edge::server& server) {
  auto path = parts.options.dir / "edge.pem";
  auto fresh = path.string() + ".new"; // so that nobody reads a part of it
  std::ofstream out(fresh, std::ios::trunc);
  out << server.certificate();
  out.close();
  std::error_code ec;
  if (out) std::filesystem::rename(fresh, path, ec);
  if (!out || ec) parts.log.warn("certificate not written", {{"file", path.string()}});
}

} // namespace

result<void> open_edge(node_parts& parts) {
  if (parts.options.settings.text("edge.listen").empty()) return {};
  KITH_ASSIGN(auto options, options_of(parts));
  KITH_TRY(parts.histories.load(*parts.disk));
  parts.edge = std::make_unique<edge_host>();
  auto& host = *parts.edge;
  host.reactor.start();
  result<void> opened;
  host.reactor.call([&] {
    auto made =
        edge::server::listen(host.reactor, host.network, services_of(parts), std::move(options));
    if (!made) {
      opened = fail(made.error());
      return;
    }
    host.server = std::move(*made);
  });
  KITH_TRY(opened);
  auto url = parts.options.settings.text("edge.public_url");
  parts.edge_url = !url.empty()
                       ? url
                       : (host.server->secure() ? "https://" : "http://") + host.server->address();
  if (host.server->secure()) publish_certificate(parts, *host.server);
  parts.log.info("edge up", {{"url", parts.edge_url}, {"listens", host.server->address()}});
  return {};
}

void drain_edge(node_parts& parts, duration deadline) {
  if (!parts.edge) return;
  auto drained = std::make_shared<std::promise<void>>(); // shared with a job that may outlive us
  auto done = drained->get_future();
  parts.edge->reactor.call([&] {
    if (parts.edge->server)
      parts.edge->server->drain(deadline, [drained] { drained->set_value(); });
    else
      drained->set_value();
  });
  done.wait_for(deadline);
}

void close_edge(node_parts& parts) {
  if (!parts.edge) return;
  parts.edge->reactor.call([&] { parts.edge->server.reset(); });
  parts.edge->reactor.stop();
  parts.edge.reset();
}

} // namespace kith
