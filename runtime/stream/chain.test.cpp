#include "runtime/stream/chain.hpp"

#include <catch2/catch.hpp>

using namespace kith;

namespace {

envelope at(sequence seq, const digest& previous, std::string_view kind = "k") {
  envelope_fields f;
  f.from = "did:x:a";
  f.to = "did:x:b";
  f.kind = kind;
  f.incarnation = 1;
  f.seq = seq;
  f.previous = previous;
  return envelope::build(f);
}

} // namespace

TEST_CASE("a chain accepts what follows and advances by it alone", "[stream][unit]") {
  stream_chain chain;
  auto one = at(1, {});
  REQUIRE(chain.take(one, one.hash()) == chain_verdict::accept);
  auto two = at(2, one.hash()), three = at(3, two.hash());
  REQUIRE(chain.take(three, three.hash()) == chain_verdict::gap);
  REQUIRE(chain.head().next == 2);
  REQUIRE(chain.take(two, two.hash()) == chain_verdict::accept);
  REQUIRE(chain.take(two, two.hash()) == chain_verdict::duplicate);
  REQUIRE(chain.take(one, one.hash()) == chain_verdict::duplicate);
  REQUIRE(chain.take(three, three.hash()) == chain_verdict::accept);
  REQUIRE(chain.head() == stream_head{4, three.hash()});
}

TEST_CASE("a chain calls another history a fork", "[stream][unit]") {
  stream_chain chain;
  auto one = at(1, {});
  chain.take(one, one.hash());
  auto other_one = at(1, {}, "other");
  REQUIRE(chain.check(other_one, other_one.hash()) == chain_verdict::fork);
  auto two = at(2, other_one.hash());
  REQUIRE(chain.check(two, two.hash()) == chain_verdict::fork);
  auto first_with_past = at(1, one.hash());
  REQUIRE(stream_chain().check(first_with_past, first_with_past.hash()) == chain_verdict::fork);
}

TEST_CASE("a tombstone takes its envelope's place in the chain", "[stream][unit]") {
  auto one = at(1, {}), two = at(2, one.hash());
  stream_chain chain;
  auto tomb = one.tombstone();
  REQUIRE(chain.take(tomb, tomb.hash()) == chain_verdict::accept);
  REQUIRE(chain.take(one, one.hash()) == chain_verdict::duplicate);
  REQUIRE(chain.take(two, two.hash()) == chain_verdict::accept);
}

TEST_CASE("a chain goes on from a stored head", "[stream][unit]") {
  auto one = at(1, {}), two = at(2, one.hash());
  stream_chain chain(stream_head{2, one.hash()});
  REQUIRE(chain.take(two, two.hash()) == chain_verdict::accept);
}

TEST_CASE("a stream's key depends on each of its parts", "[stream][unit]") {
  auto a = *did::parse("did:x:a"), b = *did::parse("did:x:b"), ab = *did::parse("did:x:ab");
  stream_id s{a, b, lane::request, 1};
  REQUIRE(s.key() == stream_id{a, b, lane::request, 1}.key());
  REQUIRE(s.key() != stream_id{b, a, lane::request, 1}.key());
  REQUIRE(s.key() != stream_id{ab, b, lane::request, 1}.key());
  REQUIRE(s.key() != stream_id{a, b, lane::answer, 1}.key());
  REQUIRE(s.key() != stream_id{a, b, lane::request, 2}.key());
  REQUIRE(s.text() == "did:x:a -> did:x:b request#0001");
}
