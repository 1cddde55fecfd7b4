// Dead letters and inboxes against nodes with a memory.
#include "tools/kith/test_cluster.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <csignal>
#include <mutex>
#include <set>

using namespace kith;
using test::cluster;
using test::failed;
using test::ok;
namespace json = boost::json;

namespace {

std::string id_of(int n) { return "01939d4e-0000-7000-8000-0000000" + std::to_string(10000 + n); }

// The dead letters of one node.
struct letters {
  std::mutex mutex;
  std::set<std::string> held;
  std::size_t purges = 0;

  std::string answer(const std::string& verb, const json::object& args) {
    const std::lock_guard lock(mutex);
    const auto unknown = failed("not_found", "unknown_dead_letter");
    if (verb == "dlq_ls") {
      json::array all;
      for (const auto& id : held) all.push_back({{"id", id}, {"agent", "did:x:a"}});
      return ok(json::serialize(all));
    }
    if (verb == "dlq_replay") {
      if (held.erase(std::string(args.at("id").as_string())) == 0) return unknown;
      return ok(R"({"id":"new","to":"did:x:a"})");
    }
    if (verb != "dlq_purge") return failed("unsupported", "unknown_verb");
    ++purges;
    json::array purged;
    for (const auto& v : args.at("ids").as_array())
      if (held.erase(std::string(v.as_string())) > 0) purged.push_back(v);
    return ok(json::serialize(json::object{{"purged", purged}}));
  }
};

struct two_nodes {
  cluster c{2};
  letters first, second;

  two_nodes() {
    c.serve_by("n1",
               [this](const auto& verb, const auto& args) { return first.answer(verb, args); });
    c.serve_by("n2",
               [this](const auto& verb, const auto& args) { return second.answer(verb, args); });
  }
};

} // namespace

TEST_CASE("dead letters are replayed where they are, one by one or all", "[kith][unit]") {
  two_nodes t;
  t.first.held = {id_of(1)};
  t.second.held = {id_of(2), id_of(3)};
  const auto one = t.c.kith({"dlq", "replay", id_of(2), "--json"});
  CHECK(one.code == 0);
  CHECK(one.document().at("replayed").at(0).at("node") == "n2");
  CHECK(one.document().at("replayed").at(0).at("replay_of") == json::string(id_of(2)));
  const auto gone = t.c.kith({"dlq", "replay", id_of(2), id_of(1), "--json"});
  CHECK(gone.code == 4); // the first is gone, the second was replayed all the same
  CHECK(gone.document().at("failed").as_array().size() == 1);
  CHECK(gone.document().at("replayed").as_array().size() == 1);
  CHECK(t.c.kith({"dlq", "replay", "--all"}).out == "new\n");
  CHECK(t.second.held.empty());
  CHECK(t.c.kith({"dlq", "replay", "--all"}).out == "There are no dead letters.\n");
}

TEST_CASE("what is to be replayed or purged must be said", "[kith][unit]") {
  two_nodes t;
  t.first.held = {id_of(1)};
  for (const auto* what : {"replay", "purge"}) {
    CHECK(t.c.kith({"dlq", what}).code == 2);
    CHECK(t.c.kith({"dlq", what, id_of(1), "--all"}).code == 2);
    CHECK(t.c.kith({"dlq", what, "7"}).code == 2);
    CHECK(t.c.kith({"dlq", what, id_of(1), "--agent", "ada"}).code == 2);
  }
  CHECK(t.first.held.size() == 1);
}

TEST_CASE("all dead letters are erased only by who means it", "[kith][unit]") {
  two_nodes t;
  for (int i = 0; i < 1500; ++i) t.second.held.insert(id_of(i));
  const auto unsure = t.c.kith({"dlq", "purge", "--all", "--json"});
  CHECK(unsure.code == 2);
  CHECK(unsure.document().at("error").at("code") == "not_confirmed");
  t.c.kith.terminal = true;
  t.c.kith.input = "n\n";
  const auto asked = t.c.kith({"dlq", "purge", "--all"});
  CHECK(asked.err.find("Erase 1500 dead letters for good?") != std::string::npos);
  CHECK(asked.out == "Erased 0.\n");
  CHECK(t.second.held.size() == 1500);
  t.c.kith.input = "y\n";
  CHECK(t.c.kith({"dlq", "purge", "--all"}).out == "Erased 1500.\n");
  CHECK(t.second.purges == 2);
  CHECK(t.first.purges == 0);
  t.first.held = {id_of(1)};
  t.c.kith.terminal = false;
  const auto some = t.c.kith({"dlq", "purge", id_of(1), id_of(2), "--json"});
  CHECK(some.code == 4);
  CHECK(some.document().at("purged") == json::array{id_of(1)});
  CHECK(some.document().at("missing") == json::array{id_of(2)});
  CHECK(t.c.kith({"dlq", "purge", "--all", "--yes"}).code == 0);
}

namespace {

// A mailbox whose mail is positions, in pages of at most three.
struct mail {
  std::atomic<int> newest{0};
  std::atomic<int> looks{0};

  std::string answer(const std::string& verb, const json::object& args) {
    if (verb != "inbox") return failed("unsupported", "unknown_verb");
    if (args.at("who") != "did:x:out") return failed("not_found", "unknown_mailbox");
    ++looks;
    const auto number = [&](const char* name) {
      return args.contains(name) ? args.at(name).to_number<int>() : 0;
    };
    const int behind = std::max(2, number("after")), limit = std::min(3, number("limit"));
    json::array messages;
    for (int i = behind + 1; i <= newest && int(messages.size()) < limit; ++i)
      messages.push_back({{"position", i},
                          {"id", id_of(i)},
                          {"kind", "k"},
                          {"from", "did:x:f"},
                          {"created_ms", 0},
                          {"text", "t" + std::to_string(i)}});
    return ok(json::serialize(json::object{
        {"did", "did:x:out"}, {"messages", messages}, {"newest", newest.load()}, {"acked", 2}}));
  }
};

} // namespace

TEST_CASE("an inbox is read page by page from the node that keeps it", "[kith][unit]") {
  cluster c(2);
  mail m;
  c.serve("n1", {{"inbox", failed("not_found", "unknown_mailbox")}});
  c.serve_by("n2", [&](const auto& verb, const auto& args) { return m.answer(verb, args); });
  CHECK(c.kith({"inbox", "did:x:out"}).out == "Nothing waits.\n");
  CHECK(c.kith({"inbox", "did:x:other"}).code == 4);
  m.newest = 12;
  const auto all = c.kith({"inbox", "did:x:out", "--json"});
  CHECK(all.code == 0);
  CHECK(all.document().at("messages").as_array().size() == 10);
  CHECK(all.document().at("node") == "n2");
  CHECK(all.document().at("acked") == 2);
  const auto some = c.kith({"inbox", "did:x:out", "--after", "5", "--lines", "4"});
  CHECK(some.out.starts_with("6  1970-01-01 00:00:00.000 UTC  k  from did:x:f  " + id_of(6) +
                             "\nt6\n"));
  CHECK(some.out.ends_with("t9\n3 more; --lines shows them.\n"));
}

TEST_CASE("a tree is watched until Ctrl-C, and shown when it changes", "[kith][unit]") {
  cluster c(1);
  std::atomic<int> asked = 0;
  c.serve_by("n1", [&](const auto&, const auto&) {
    const auto n = ++asked;
    return ok(json::serialize(json::object{{"name", "n1"},
                                           {"kind", "node"},
                                           {"state", n < 3 ? "running" : "stopping"},
                                           {"restarts", 0},
                                           {"children", json::array()}}));
  });
  c.kith.on_out = [&](const std::string& so_far) {
    if (so_far.find("stopping") != std::string::npos) ::raise(SIGTERM);
  };
  const auto out = c.kith({"tree", "--watch", "--json"});
  CHECK(out.code == 0);
  CHECK(std::count(out.out.begin(), out.out.end(), '\n') == 2);
  CHECK(asked >= 3);
}

TEST_CASE("an inbox is followed until Ctrl-C, without loss while its node is away",
          "[kith][unit]") {
  cluster c(1);
  mail m;
  m.newest = 4;
  c.serve_by("n1", [&](const auto& verb, const auto& args) { return m.answer(verb, args); });
  c.kith.on_out = [&](const std::string& so_far) {
    if (so_far.find("\"t4\"") != std::string::npos && m.newest == 4) {
      c.stop("n1");
      m.newest = 5;
    }
    if (so_far.find("\"t5\"") != std::string::npos) ::raise(SIGTERM);
  };
  bool back = false;
  c.kith.on_err = [&](const std::string& so_far) {
    if (so_far.find("is away") == std::string::npos || std::exchange(back, true)) return;
    c.serve_by("n1", [&](const auto& verb, const auto& args) { return m.answer(verb, args); });
  };
  const auto out = c.kith({"inbox", "did:x:out", "--follow", "--json"});
  CHECK(out.code == 0);
  CHECK(back);
  int last = 2, lines = 0;
  std::istringstream in(out.out);
  for (std::string line; std::getline(in, line); ++lines)
    CHECK(json::parse(line).at("position") == ++last);
  CHECK(lines == 3);
}
