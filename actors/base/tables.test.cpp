// The tables beside the router: delegations, who is where, and the supervision tree.
#include "actors/base/agent_directory.hpp"
#include "actors/base/delegation_book.hpp"
#include "actors/base/peer_table.hpp"
#include "actors/base/tree_view.hpp"

#include <catch2/catch.hpp>

using namespace kith;

TEST_CASE("a delegation is made once, and anew at half of its life", "[base][unit]") {
  seeded_random random(4);
  auto node = secret_key::generate(random).did();
  auto key = std::make_shared<const secret_key>(secret_key::generate(random));
  delegation_book book(node);
  wall_ms now = 1'700'000'000'000;
  CHECK_FALSE(book.get(key->did(), now));
  book.add(key->did(), key, 3);
  auto made = book.get(key->did(), now);
  REQUIRE(made);
  CHECK(made->check_signature());
  CHECK(made->node == node);
  CHECK(made->epoch == 3);
  CHECK(made->expires == now + delegation::lifetime_ms);
  CHECK(book.get(key->did(), now + delegation::lifetime_ms / 2) == made);
  auto anew = book.get(key->did(), now + delegation::lifetime_ms / 2 + 1);
  CHECK(anew->expires == now + delegation::lifetime_ms / 2 + 1 + delegation::lifetime_ms);
  book.remove(key->did());
  CHECK_FALSE(book.get(key->did(), now));
}

TEST_CASE("the directory knows agents by node and by name, and forgets a node's", "[base][unit]") {
  seeded_random random(4);
  auto make = [&] { return secret_key::generate(random).did(); };
  auto n1 = make(), n2 = make(), a = make(), b = make(), c = make();
  agent_directory directory;
  auto entry = [](const did& agent, std::string name) {
    agent_directory::entry e;
    e.agent = agent;
    e.name = std::move(name);
    return e;
  };
  directory.put(n1, entry(a, "x"));
  directory.put(n2, entry(b, "x"));
  directory.put(n2, entry(c, "y"));
  CHECK(directory.named("x").size() == 2);
  CHECK(directory.count(n2) == 2);
  CHECK(directory.of(n1).size() == 1);
  directory.put(n1, entry(c, "y")); // moved
  CHECK(directory.count(n1) == 2);
  directory.erase(a);
  directory.erase_node(n2);
  CHECK(directory.all().size() == 1);
  CHECK(directory.named("x").empty());
}

TEST_CASE("a tree lists parents before their children", "[base][unit]") {
  tree_view view;
  view.set("node/agents/b", {"mailbox", "running", 0, {}});
  view.set("node", {"supervisor", "running", 0, {}});
  view.set("node/agents", {"supervisor", "running", 0, {}});
  auto list = view.list();
  REQUIRE(list.size() == 3);
  CHECK(list[0].first == "node");
  CHECK(list[1].first == "node/agents");
  view.erase("node/agents/b");
  CHECK(view.list().size() == 2);
}

TEST_CASE("a peer is found by its name", "[base][unit]") {
  seeded_random random(4);
  auto id = secret_key::generate(random).did();
  peer_table peers;
  CHECK(peers.named("n").empty());
  peers.update(id, [](peer_status& p) { p.name = "n"; });
  CHECK(peers.named("n") == id);
  CHECK(peers.all().size() == 1);
}
