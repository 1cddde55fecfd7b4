// For tests only: an edge in a simulated world, with real mailboxes behind it over a store in
// memory, all in one thread; and clients that sign what they send.
#pragma once

#include "actors/edge/histories.hpp"
#include "actors/edge/inbox_hub.hpp"
#include "actors/edge/server.hpp"
#include "actors/mailbox/mailbox_actor.hpp"
#include "protocols/httpsig/content_digest.hpp"
#include "protocols/httpsig/sign.hpp"
#include "runtime/base/base64.hpp"
#include "runtime/net/http_test_support.hpp"
#include "runtime/store/memory_backend.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch.hpp>
#include <kith/kith.hpp>

namespace kith::edge::testing {

using net::test::client;
using strings = std::vector<std::string>;

struct request {
  std::string method = "GET";
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
};

struct world {
  explicit world(server_options o = {}, did its_owner = {}) : owner(std::move(its_owner)) {
    config.set("scheduler.policy", caf::atom("testing"));
    system.emplace(config);
    spawn_agent(node, "node", "kith.node");
    spawn_agent(agent, "ada", "edge_recorder");
    o.listen = "127.0.0.1:80";
    o.tls = tls_mode::off;
    if (o.access.operator_token.empty()) o.access.operator_token = "sesame";
    o.access.mailboxes = policy;
    of.public_url = "https://kith.example";
    of.disk_low = [this] { return disk_low; };
    of.unready = [this] { return unready; };
    of.history = [](const uuid&) { return std::string(R"([{"state":"handled"}])"); };
    of.open_mailbox = [this](delegation d, auto done) { open_mailbox(std::move(d), done); };
    of.audit = [this](const std::string& act, const std::string& subject, const std::string& who,
                      std::function<void(result<void>)> done) {
      audited.push_back(act + " " + subject + " " + who.substr(0, 16));
      noted_before.push_back(noted());
      done(audits ? result<void>() : fail(errc::io, "audit_failed", "no room"));
    };
    edge =
        server::listen(net.reactor_of("localhost"), net.network_of("localhost"), of, std::move(o))
            .value();
    run();
  }
  ~world() {
    edge.reset();
    router.clear();
    for (auto& b : boxes) caf::anon_send_exit(b, caf::exit_reason::kill);
    boxes.clear();
    actors();
    journal->abandon();
    actors();
  }

  // ---- the node behind it
  bool actors() {
    auto& s = dynamic_cast<caf::scheduler::test_coordinator&>(system->scheduler());
    bool any = false;
    while (s.try_run_once()) any = true;
    return any;
  }
  // Until nothing happens any more, or only as far as `synced` lets it.
  void run(duration span = std::chrono::milliseconds(20)) {
    for (int rounds = 0; rounds < 200; ++rounds) {
      net.run_for(std::chrono::milliseconds(1));
      bool any = actors();
      if (syncs) any = journal->pump() || any;
      if (!any && rounds > 10) break;
    }
    net.run_for(span);
    actors();
  }
  void spawn(tenant t) {
    router.add_local(t.self);
    mailbox::environment env{
        clock,
        random,
        *disk,
        [this](const did& d) { return router.is_local(d); },
        [this](const stream_key& s) { return router.flow(s); },
        node.did(),
        [](std::string_view) -> result<did> { return fail(errc::not_found, "x"); },
        [](newborn, mailbox_step&) -> result<void> { return {}; },
        [](mailbox_step&) -> result<void> { return {}; },
        [](log_level, std::string_view) {},
        {},
        [this](const did& who, sequence) { hub.note(who); }};
    mailbox_ports ports{*journal, router, book, {}, [](const mailbox_report&) {}};
    boxes.push_back(
        system->spawn<mailbox_actor>(std::move(t), mailbox_limits{}, env, ports, false));
  }
  void spawn_agent(const secret_key& key, const std::string& name, const std::string& type) {
    records::agent_record r;
    r.agent = key.did();
    r.type = type;
    r.name = name;
    r.incarnation = 5;
    r.home = node.did();
    if (name == "ada") r.owner = owner;
    put_record(r);
    wire::directory::entry e;
    e.agent = key.did();
    e.type = type;
    e.name = name;
    e.epoch = 1;
    e.advertised.push_back({"note", "remembers"});
    directory.put(node.did(), e);
    spawn({key.did(), 1, 5, std::make_shared<const secret_key>(key.clone()), type, name});
  }
  void put_record(const records::agent_record& r) {
    store::write_batch batch;
    batch.put(store::table::state, keys::agent(keys::of(r.agent)), records::encode(r));
    batch.raise_epoch(r.agent, 1);
    REQUIRE(journal->submit(std::move(batch), [](const auto&) {}));
    while (journal->pump()) {
    }
  }
  template <class Done> void open_mailbox(delegation d, Done done) {
    bool known = router.is_local(d.agent);
    if (!known) {
      records::agent_record r;
      r.agent = d.agent;
      r.incarnation = 9;
      r.home = node.did();
      r.delegation = d.encode();
      put_record(r);
      tenant t{d.agent, 1, 9, nullptr, {}, {}};
      t.spoken_for = d;
      spawn(std::move(t));
    }
    done(mailbox_status{d.agent, d.epoch, d.expires, !known});
  }

  // ---- clients
  static std::string text_of(const request& r) {
    std::string t = r.method + " " + r.target + " HTTP/1.1\r\nHost: kith.example\r\n";
    for (const auto& [name, value] : r.headers) t += name + ": " + value + "\r\n";
    if (!r.body.empty()) t += "Content-Length: " + std::to_string(r.body.size()) + "\r\n";
    return t + "\r\n" + r.body;
  }
  client& connect() {
    client& c = clients.emplace_back();
    net.network_of("localhost").connect("127.0.0.1:80", std::chrono::seconds(5), [&c](auto s) {
      REQUIRE(s);
      c.stream = std::move(*s);
      c.stream->start({[&c](byte_view b) { c.got += as_text(b); },
                       {},
                       [&c](const error& e) { c.end = e.code; }});
    });
    net.run_until([&c] { return c.stream != nullptr; }, std::chrono::seconds(5));
    return c;
  }
  net::test::answer ask(const request& r) {
    auto& c = connect();
    c.send(text_of(r));
    run();
    auto all = net::test::answers_in(c.got, r.method == "HEAD");
    INFO(r.method << " " << r.target << " -> " << c.got);
    REQUIRE(all.size() == 1);
    c.stream->close();
    return all[0];
  }
  net::test::answer as_operator(request r) {
    r.headers.emplace_back("Authorization", "Bearer sesame");
    return ask(r);
  }
  // Signs as `key`, over method, target and, where there is a body, its digest.
  request signed_by(const secret_key& key, request r, wall_ms age = 0,
                    std::vector<httpsig::component> covered = {"@method", "@target-uri"}) {
    if (!r.body.empty()) {
      r.headers.emplace_back("Content-Digest", httpsig::make_content_digest(as_bytes(r.body)));
      covered.emplace_back("content-digest");
    }
    std::vector<httpsig::header_view> views;
    for (const auto& [name, value] : r.headers) views.push_back({name, value});
    httpsig::message_view v;
    v.method = r.method;
    v.scheme = "http";
    v.authority = "kith.example";
    auto q = r.target.find('?');
    v.path = std::string_view(r.target).substr(0, q);
    if (q != std::string::npos) v.query = std::string_view(r.target).substr(q + 1);
    v.headers = views;
    v.body = as_bytes(r.body);
    httpsig::signature_params p;
    p.created = (clock.wall() - age) / 1000;
    p.keyid = key.did().text();
    p.nonce = std::to_string(++nonce);
    httpsig::ed25519_signer signer(crypto::ed25519_key::from_seed(key.expose_seed()));
    auto made = httpsig::sign(v, "sig1", covered, p, signer).value();
    r.headers.emplace_back("Signature-Input", made.signature_input);
    r.headers.emplace_back("Signature", made.signature);
    return r;
  }
  net::test::answer as(const secret_key& key, request r) {
    return ask(signed_by(key, std::move(r)));
  }

  // The body of a message that `key` signs itself.
  json message_of(const secret_key& key, const std::string& to, const std::string& kind,
                  const std::string& text) {
    envelope_fields f;
    f.id = ids.next(clock.wall(), random);
    auto from = key.did().text();
    f.from = from;
    f.to = to;
    f.kind = kind;
    f.content_type = text_type;
    f.payload = as_bytes(text);
    f.created = clock.wall();
    auto o = json::object();
    o.set("id", f.id.text()), o.set("to", to), o.set("kind", kind), o.set("text", text);
    o.set("created", f.created);
    o.set("signature", to_base64(key.sign(signed_content(f))));
    return o;
  }
  std::string registration(const secret_key& key) {
    auto d = delegation::make(key, node.did(), 1, clock.wall() + delegation::lifetime_ms);
    auto o = json::object();
    o.set("delegation", to_base64(d.encode()));
    return o.dump();
  }
  int register_mailbox(const secret_key& key) {
    return as(key, {"PUT", "/api/mailboxes/" + key.did().text(), {}, registration(key)}).status;
  }
  std::string noted() { // what the agent was told
    auto key = keys::cell(keys::of(agent.did()), "seen");
    auto found = disk->scan(store::table::state, key, keys::end_of(key), {1}).value();
    return found.empty() ? "" : std::string(as_text(found[0].value.view().subspan(3)));
  }
  std::uint64_t counted(const std::string& name, const observe::labels& by) {
    return metrics.count(name, by).value();
  }

  manual_clock clock;
  net::simulated_network net{clock, 11};
  seeded_random random{5};
  uuid_generator ids;
  std::uint64_t nonce = 0;
  did owner; // of the agent
  mailbox_policy policy = mailbox_policy::open;
  secret_key node = secret_key::generate(random), agent = secret_key::generate(random),
             bob = secret_key::generate(random), eve = secret_key::generate(random);
  std::shared_ptr<store::memory_disk> memory = std::make_shared<store::memory_disk>();
  std::unique_ptr<store::memory_backend> disk = store::memory_backend::open(memory).value();
  std::unique_ptr<store::journal> journal = std::make_unique<store::journal>(
      *disk, clock, store::journal_options{false}, [](const error&) {});
  bool syncs = true;                              // whether run() lets the journal write
  bool audits = true;                             // whether the audit log can be written
  std::vector<std::string> audited, noted_before; // what the operator did, and what was so before
  bool disk_low = false;
  std::string unready;
  kith::router router;
  agent_directory directory;
  delegation_book book{node.did()};
  observe::registry metrics;
  inbox_hub hub;
  history_book histories;
  services of{node.did(), "n1",      "0.0", {},      0,  clock, random,   *disk,
              router,     directory, book,  metrics, {}, hub,   histories};
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  std::vector<caf::actor> boxes;
  std::deque<client> clients;
  std::unique_ptr<server> edge;
};

} // namespace kith::edge::testing
