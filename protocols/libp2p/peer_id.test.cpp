// Peer ids, multiaddrs and identify's message: the specifications' examples both ways, and what is
// not one.
#include "protocols/libp2p/peer_id.hpp"

#include "protocols/libp2p/identify.hpp"
#include "protocols/libp2p/multiaddr.hpp"
#include "protocols/libp2p/test_support.hpp"

#include <catch2/catch.hpp>

using namespace kith;
using namespace kith::libp2p;

TEST_CASE("a public key message is the one of the peer id specification", "[libp2p][vector]") {
  auto message =
      *from_hex("080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e");
  auto key = parse_public_key_message(message);
  REQUIRE(key);
  CHECK(equal(public_key_message(*key), message));
  CHECK(parse_public_key_message(
            *from_hex("08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99"))
            .error()
            .code == "key_type");
  for (std::size_t size = 0; size < message.size(); ++size)
    CHECK_FALSE(parse_public_key_message(byte_view(message).first(size)));
  message.push_back(0);
  CHECK_FALSE(parse_public_key_message(message));
}

TEST_CASE("peer ids of the specification read and write", "[libp2p][vector]") {
  auto ed = peer_id::parse("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA");
  REQUIRE(ed);
  CHECK(ed->text() == "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA");
  REQUIRE(ed->key());
  CHECK(peer_id::from_key(*ed->key()) == *ed);
  auto as_did = ed->to_did();
  REQUIRE(as_did);
  CHECK(as_did->method() == "key");
  CHECK(*peer_id::from_did(*as_did) == *ed);

  auto sha = peer_id::parse("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N");
  REQUIRE(sha);
  CHECK(sha->text() == "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N");
  CHECK_FALSE(sha->key());
  CHECK(sha->to_did().error().code == "key_type");
  auto cid = peer_id::parse("bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe");
  REQUIRE(cid);
  CHECK(*cid == *sha); // the specification's two spellings of one id
}

TEST_CASE("what is no peer id is refused", "[libp2p][unit]") {
  for (auto bad : {"", "1", "Qm", "12D3KooW0", "zzz", "bafz",
                   "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
                   "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5",
                   "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqx1"}) {
    INFO(bad);
    CHECK_FALSE(peer_id::parse(bad));
  }
  CHECK_FALSE(peer_id::parse(std::string(1000, '1')));
  CHECK_FALSE(peer_id::from_multihash(bytes(100)));
  CHECK(peer_id::from_did(*did::parse("did:web:example.org")).error().code == "key_type");
}

TEST_CASE("multiaddrs read and write as text and as bytes", "[libp2p][unit]") {
  struct row {
    const char *text, *hex;
  } rows[] = {
      {"/ip4/127.0.0.1/tcp/4001", "047f000001060fa1"},
      {"/ip6/::1/tcp/80/ws", "29000000000000000000000000000000010600"
                             "50dd03"},
      {"/dns4/example.org/tcp/443/wss", "360b6578616d706c652e6f72670601bbde03"},
      {"/dns/a/tcp/1", "350161060001"},
  };
  for (auto& row : rows) {
    auto a = multiaddr::parse(row.text);
    REQUIRE(a);
    CHECK(to_hex(a->encode()) == row.hex);
    CHECK(a->text() == row.text);
    CHECK(*multiaddr::decode(*from_hex(row.hex)) == *a);
  }
  auto a = multiaddr::parse(
      "/ip4/10.0.0.1/tcp/9/ipfs/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA");
  REQUIRE(a);
  CHECK(a->text() ==
        "/ip4/10.0.0.1/tcp/9/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA");
  CHECK(a->host() == "10.0.0.1");
  CHECK(a->tcp_port() == 9);
  CHECK(a->peer_text() == "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA");
  CHECK(multiaddr::tcp("::1", 5)->text() == "/ip6/::1/tcp/5");
  CHECK(multiaddr::tcp("localhost", 5)->text() == "/dns/localhost/tcp/5");
}

TEST_CASE("what is no multiaddr is refused", "[libp2p][unit]") {
  for (auto bad : {"", "/", "ip4/1.2.3.4", "/ip4", "/ip4/1.2.3", "/ip4/1.2.3.4/tcp/65536",
                   "/ip4/1.2.3.4/tcp/x", "/tcp/", "/udp/1", "/p2p/x", "/dns/", "/ip4/1.2.3.4/"}) {
    INFO(bad);
    CHECK_FALSE(multiaddr::parse(bad));
  }
  CHECK_FALSE(multiaddr::parse(std::string(2000, '/')));
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "/ws";
  CHECK_FALSE(multiaddr::parse(deep));
  auto whole = multiaddr::parse(
                   "/dns4/example.org/tcp/443/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N")
                   ->encode();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    auto part = multiaddr::decode(byte_view(whole).first(size));
    if (part) CHECK(equal(part->encode(), byte_view(whole).first(size))); // cut between two parts
  }
  CHECK_FALSE(multiaddr::decode(*from_hex("35ff7f61")));
  CHECK(multiaddr::decode(*from_hex("910200")).error().code == "multiaddr_protocol");
}

TEST_CASE("an identify message reads as it was written and leaves out unknown addresses",
          "[libp2p][unit]") {
  identify_message m;
  m.public_key = {1, 2, 3};
  m.protocols = {"/a", "/b"};
  m.agent_version = "agent/1";
  m.protocol_version = "ipfs/0.1.0";
  m.listen_addrs = {*multiaddr::parse("/ip4/1.2.3.4/tcp/5")};
  m.observed_addr = *multiaddr::parse("/ip6/::1/tcp/6");
  auto encoded = encode(m);
  auto read = decode_identify(encoded);
  REQUIRE(read);
  CHECK(read->public_key == m.public_key);
  CHECK(read->protocols == m.protocols);
  CHECK(read->agent_version == m.agent_version);
  CHECK(read->protocol_version == m.protocol_version);
  CHECK(read->listen_addrs == m.listen_addrs);
  CHECK(read->observed_addr == m.observed_addr);
  append(encoded, *from_hex("1203910200")); // a listen address over /udp
  CHECK(decode_identify(encoded)->listen_addrs.size() == 1);
}

TEST_CASE("identify refuses what is too much and what is no protobuf", "[libp2p][unit]") {
  CHECK(decode_identify(bytes(identify_message_max + 1)).error().code == "identify_too_large");
  identify_message m;
  m.protocols.assign(identify_protocols_max + 1, "/a");
  CHECK(decode_identify(encode(m)).error().code == "identify_too_large");
  m.protocols = {std::string(identify_text_max + 1, 'a')};
  CHECK(decode_identify(encode(m)).error().code == "identify_too_large");
  CHECK(decode_identify(*from_hex("0aff")).error().code == "bad_identify");
  m.protocols = {"/abc"};
  auto encoded = encode(m);
  for (std::size_t size = 0; size < encoded.size(); ++size)
    (void)decode_identify(byte_view(encoded).first(size));
}
