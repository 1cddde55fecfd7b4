// What every row is called, what it measures and beside what, and what it is to reach.
#include "tools/bench/table.hpp"

namespace kith::bench {

namespace {

constexpr const char* volatile_ = "none";
constexpr const char* synced = "synced";
constexpr const char* basp = "CAF BASP between two processes, plaintext";

std::vector<row> message_rows() {
  return {
      {"local_qos0", "agent to agent, one node, 128 B, QoS 0, many in flight", "msg/s",
       "raw CAF actor to actor, same payload", volatile_, false, 0.5},
      {"local_qos2", "agent to agent, one node, 128 B, QoS 2, many in flight", "msg/s",
       "raw RocksDB, synced batches of as many 128 B records", synced, false, 0.3},
      {"link_qos0", "node to node, 128 B, QoS 0, encrypted and authenticated", "msg/s", basp,
       volatile_, false, 5},
      {"link_qos2", "node to node, 128 B, QoS 2, encrypted, streams signed", "msg/s", basp,
       "synced on both sides", false, 0.8},
      {"round_trip_qos0", "round trip node to node, p50, QoS 0", "us",
       "BASP request round trip, p50", volatile_, true, 0.6},
      {"round_trip_qos2", "round trip node to node, p50, QoS 2 (ask to durable answer)", "us",
       "three syncs of this disk in a row, p50", "synced on both sides", true, 1.8},
      {"bulk", "bulk over a link, 1 MiB payloads, QoS 0", "MB/s",
       "OpenSSL ChaCha20-Poly1305 seal plus open, one core", volatile_, false, 0.4},
      {"libp2p_stream", "1 KiB messages over one libp2p stream, two processes", "msg/s",
       "two js-libp2p processes", volatile_, false, 8},
      {"handshake", "secure handshake, CPU time of both sides", "us",
       "its X25519 and Ed25519 operations alone", volatile_, true, 2.5},
      {"once", "durable step (once), many in flight, time for each", "us",
       "two synced RocksDB writes at the same batch size", synced, true, 2},
  };
}

std::vector<row> resource_rows() {
  return {
      {"memory_agent", "resident memory of an active idle agent: two handlers, a durable<int>", "B",
       "raw CAF event-based actor with two handlers", "its record and state synced", true, 3},
      {"memory_node", "resident memory of an idle node, edge and store open", "MiB", "", "none",
       true, 60},
      {"start_stored", "node with 100,000 stored agents: start until ready", "s", "", synced, true,
       2},
      {"start_killed", "the same after SIGKILL under load: start until first turn", "s", "", synced,
       true, 0.5},
  };
}

std::vector<row> edge_rows() {
  return {
      {"edge_resolve", "did:key resolution, keep-alive, 32 connections, plain HTTP", "req/s",
       "bare Beast, answers of as many bytes", volatile_, false, 0.6},
      {"edge_post", "presigned POST, 128 B, both signatures verified, 32 connections", "req/s",
       "two Ed25519 verifications each, one core", synced, false, 0.5},
      {"edge_follower", "resident memory of each of 1,000 idle followers of an inbox", "KiB", "",
       volatile_, true, 64},
  };
}

} // namespace

std::vector<row> all_rows() {
  auto rows = message_rows();
  for (auto part : {resource_rows(), edge_rows()})
    rows.insert(rows.end(), std::make_move_iterator(part.begin()),
                std::make_move_iterator(part.end()));
  return rows;
}

} // namespace kith::bench
