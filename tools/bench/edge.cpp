#include "tools/bench/edge.hpp"

#include "protocols/httpsig/content_digest.hpp"
#include "protocols/httpsig/sign.hpp"
#include "runtime/base/base64.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/random.hpp"
#include "runtime/identity/delegation.hpp"
#include "runtime/identity/keys.hpp"
#include "runtime/net/bench/http_bench.hpp"
#include "runtime/stream/envelope.hpp"
#include "tools/bench/cluster.hpp"
#include "tools/bench/http_load.hpp"

#include <cstdlib>
#include <kith/json.hpp>

namespace kith::bench {

namespace {

constexpr std::size_t connections = 32;
constexpr std::size_t payload_size = 128;
constexpr std::size_t followers_of_one = 16; // as many as one mailbox may have
constexpr std::string_view known_did = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";

} // namespace

struct edge_node::impl {
  std::unique_ptr<cluster> nodes;
  did node;
  pid_t pid = 0;
  std::uint16_t port = 0;
  std::string sink;
  kith::system_clock time;
  system_random random;
  uuid_generator ids;
  secret_key key = secret_key::generate(random);
  std::vector<held_connection> followers;

  std::string host() const { return "127.0.0.1:" + std::to_string(port); }

  // A signed request as text.
  std::string signed_request(const secret_key& by, std::string_view method, const std::string& path,
                             std::string_view body) {
    std::string head = std::string(method) + " " + path + " HTTP/1.1\r\nHost: " + host() + "\r\n";
    std::vector<httpsig::component> covered{"@method", "@target-uri"};
    std::vector<httpsig::header_view> headers;
    std::string digest;
    if (!body.empty()) {
      digest = httpsig::make_content_digest(as_bytes(body));
      headers.push_back({"content-digest", digest});
      covered.emplace_back("content-digest");
      head += "Content-Digest: " + digest + "\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n";
    }
    auto authority = host();
    httpsig::message_view view;
    view.method = method;
    view.scheme = "http";
    view.authority = authority;
    view.path = path;
    view.headers = headers;
    view.body = as_bytes(body);
    httpsig::signature_params params;
    params.created = time.wall() / 1000;
    params.keyid = by.did().text();
    params.nonce = ids.next(time.wall(), random).text();
    httpsig::ed25519_signer signer(crypto::ed25519_key::from_seed(by.expose_seed()));
    auto made = httpsig::sign(view, "k", covered, params, signer).value();
    head +=
        "Signature-Input: " + made.signature_input + "\r\nSignature: " + made.signature + "\r\n";
    return head + "\r\n" + std::string(body);
  }

  result<void> register_mailbox(const secret_key& who) {
    auto word = delegation::make(who, node, 1, time.wall() + delegation::lifetime_ms);
    auto body = json::object();
    body.set("delegation", to_base64(word.encode()));
    auto request = signed_request(who, "PUT", "/api/mailboxes/" + who.did().text(), body.dump());
    KITH_ASSIGN(auto done, http_load_run(port, {std::move(request)}, 1, 201));
    (void)done;
    return {};
  }

  std::string message() {
    auto payload = std::string(payload_size, 'x');
    envelope_fields f;
    f.id = ids.next(time.wall(), random);
    auto from = key.did().text();
    f.from = from;
    f.to = sink;
    f.kind = "drop";
    f.content_type = "text/plain";
    f.payload = as_bytes(payload);
    f.created = time.wall();
    auto o = json::object();
    o.set("id", f.id.text()), o.set("to", sink), o.set("kind", "drop"), o.set("text", payload);
    o.set("created", f.created);
    o.set("signature", to_base64(key.sign(signed_content(f))));
    return signed_request(key, "POST", "/api/messages", o.dump());
  }

  // Ed25519 verifications a second of one core, of what such a request has signed.
  double verifications(std::size_t count) {
    auto text = std::string(300, 's');
    auto signature = key.sign(as_bytes(text));
    auto begin = time.now();
    for (std::size_t i = 0; i < count; ++i)
      if (!verify_signature(key.public_key(), as_bytes(text), signature)) std::abort();
    return double(count) / std::chrono::duration<double>(time.now() - begin).count();
  }
};

result<std::unique_ptr<edge_node>> edge_node::start() {
  std::unique_ptr<edge_node> made(new edge_node);
  made->impl_ = std::make_unique<impl>();
  auto& n = *made->impl_;
  KITH_ASSIGN(n.nodes, cluster::start(1, {{"KITH_EDGE_LISTEN", "127.0.0.1:0"},
                                          {"KITH_EDGE_TLS", "off"},
                                          {"KITH_EDGE_MAILBOXES", "open"},
                                          {"KITH_EDGE_CONNECTIONS_PER_ADDRESS_MAX", "100000"},
                                          {"KITH_EDGE_READS_PER_S", "10000000"},
                                          {"KITH_EDGE_WRITES_PER_S", "10000000"}}));
  auto& control = n.nodes->control();
  KITH_ASSIGN(auto status, control.call("status", json::object()));
  n.pid = pid_t(status["pid"].as_int());
  KITH_ASSIGN(n.node, did::parse(status["node"].as_string()));
  auto url = status["edge_url"].as_string();
  n.port = std::uint16_t(std::atoi(url.c_str() + url.rfind(':') + 1));
  KITH_ASSIGN(n.sink, control.spawn("bench.drain"));
  KITH_TRY(n.register_mailbox(n.key));
  return made;
}

edge_node::~edge_node() { impl_->followers.clear(); }

result<edge_node::pair> edge_node::resolve(double seconds) {
  auto& n = *impl_;
  net::bench::http_load load;
  load.connections = int(connections);
  load.seconds = seconds;
  load.target = "/1.0/identifiers/" + std::string(known_did);
  auto ours = net::bench::run_load(n.port, load);
  // A bare server whose answers have as many bytes: heads differ by a few fields.
  constexpr std::size_t head_size = 150;
  load.body_size = ours.answer_size - std::min(ours.answer_size, head_size);
  auto bare = net::bench::measure_bare_beast(load);
  return pair{double(ours.answers) / ours.seconds, bare.requests_a_second};
}

result<edge_node::pair> edge_node::post(std::size_t count) {
  auto& n = *impl_;
  std::vector<std::string> requests;
  requests.reserve(count);
  for (std::size_t i = 0; i < count; ++i) requests.push_back(n.message());
  auto verified = n.verifications(count / 4);
  KITH_ASSIGN(auto rate, http_load_run(n.port, std::move(requests), connections, 202));
  return pair{rate, verified / 2};
}

result<double> edge_node::follower_size(std::size_t count) {
  auto& n = *impl_;
  std::vector<secret_key> owners;
  for (std::size_t i = 0; i * followers_of_one < count; ++i) {
    owners.push_back(secret_key::generate(n.random));
    KITH_TRY(n.register_mailbox(owners.back()));
  }
  auto before = resident_bytes(n.pid);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& owner = owners[i / followers_of_one];
    KITH_ASSIGN(
        auto held,
        held_connection::open(
            n.port,
            n.signed_request(owner, "GET", "/api/messages/" + owner.did().text() + "/events", {})));
    n.followers.push_back(std::move(held));
  }
  auto after = resident_bytes(n.pid);
  n.followers.clear();
  return double(after > before ? after - before : 0) / double(count);
}

} // namespace kith::bench
