// The table of settings, and how a mistyped one is recognised.
#include "runtime/config/keys.hpp"
#include "runtime/config/edit_distance.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace kith::config {
namespace {

constexpr std::size_t compared_size_max = 100; // of a name from outside
constexpr std::int64_t kib = 1024, mib = 1024 * kib, gib = 1024 * mib;
constexpr std::int64_t hour_ms = 3'600'000;
constexpr auto text = value_type::text;
constexpr auto integer = value_type::integer;
constexpr auto boolean = value_type::boolean;
constexpr auto list = value_type::list;

constexpr known_key table[] = {
    {"node.name", text, "node", "the node's name, for people"},

    {"link.listen", text, "127.0.0.1:0", "where other nodes connect to: host:port, 0 for any port"},
    {"link.advertise", text, "", "the address that others are told; empty: where it listens"},
    {"link.queue_bytes_max", integer, "16777216", "bytes that may wait for one peer", 64 * kib,
     4 * gib},

    {"keys.passphrase_file", text, "",
     "a file with the passphrase of the node's key; empty: none, or typed"},

    {"edge.listen", text, "", "where the web connects to: host:port; empty: nowhere"},
    {"edge.public_url", text, "", "how the web reaches it; empty: https:// and where it listens"},
    {"edge.tls", text, "on", "off: plain HTTP, on this machine only", 0, 0, "on|off"},
    {"edge.certificate_file", text, "", "PEM, the server's first; empty: made for this machine"},
    {"edge.key_file", text, "", "the certificate's private key, PEM"},
    {"edge.ca_file", text, "", "further roots to trust when documents are fetched, PEM"},
    {"edge.mailboxes", text, "listed", "for whom outside of any node mailboxes are kept", 0, 0,
     "closed|listed|open"},
    {"edge.allow", list, "", "the DIDs that are listed, separated by commas"},
    {"edge.body_bytes_max", integer, "1048576", "bytes of a request's body", 1 * kib, 64 * mib},
    {"edge.connections_max", integer, "10000", "connections at a time", 1, 1'000'000},
    {"edge.connections_per_address_max", integer, "256", "of one address", 1, 1'000'000},
    {"edge.reads_per_s", integer, "200", "requests that look, of one DID; of one address 10 times",
     1, 10'000'000},
    {"edge.writes_per_s", integer, "100", "requests that change something, likewise", 1,
     10'000'000},
    {"edge.fetch_private", boolean, "false", "for tests: fetch from private addresses too"},

    {"cluster.seeds", list, "", "addresses of nodes to join, separated by commas"},
    {"cluster.secret_file", text, "", "the file with the cluster's secret; empty: the node's own"},

    {"mailbox.count_max", integer, "16384", "messages that may wait for one agent", 1, 10'000'000},
    {"mailbox.bytes_max", integer, "33554432", "and their bytes", 64 * kib, 16 * gib},
    {"mailbox.stream_count_max", integer, "4096", "of them from one sender", 1, 10'000'000},
    {"mailbox.stream_bytes_max", integer, "4194304", "and their bytes", 16 * kib, 16 * gib},
    {"mailbox.streams_max", integer, "100000", "senders into one mailbox", 1, 100'000'000},
    {"outbox.count_max", integer, "1000000", "messages of one agent that wait elsewhere", 1,
     100'000'000},
    {"outbox.bytes_max", integer, "1073741824", "and their bytes", 64 * kib, 1024 * gib},

    {"turn.attempts_max", integer, "5", "tries of a message before it is dead-lettered", 1, 1000},
    {"turn.retry_delay_ms", integer, "100", "before the second try; doubles with each", 0, hour_ms},
    {"turn.retry_delay_ms_max", integer, "30000", "the longest pause between tries", 0,
     24 * hour_ms},

    {"watchdog.handler_ms", integer, "1000",
     "a handler that takes longer is named in the log; 0: none", 0, hour_ms},
    {"supervisor.intensity", integer, "5", "crashes within the period before a branch is given up",
     1, 10'000},
    {"supervisor.period_ms", integer, "30000", "the period of supervisor.intensity", 10,
     24 * hour_ms},
    {"supervisor.backoff_ms", integer, "100", "before a crashed child is restarted; doubles", 0,
     hour_ms},
    {"supervisor.backoff_ms_max", integer, "10000", "the longest such pause", 0, hour_ms},

    {"store.disk_reserve_mb", integer, "256", "with less free disk, new work is refused", 0,
     1'000'000},
    {"store.cache_mb", integer, "64", "memory for the store's block cache", 1, 1'000'000},

    {"actors.threads", integer, "0", "worker threads; 0: as many as cores", 0, 1024},
    {"actors.sleep_after_ms", integer, "600000",
     "an agent with nothing to do for so long leaves memory until it has; 0: never", 0,
     365 * 24 * hour_ms},
    {"actors.agents_max", integer, "100000", "agents on this node", 1, 10'000'000},

    {"limits.payload_max", integer, "16777216", "bytes of one message's payload", 1 * kib,
     16 * mib},
    {"limits.control_line_max", integer, "25165824", "bytes of one request on the control socket",
     4 * kib, 256 * mib},

    {"shutdown.deadline_ms", integer, "10000", "how long a stop may drain", 0, hour_ms},

    {"log.level", text, "info", "the least level that is logged", 0, 0,
     "trace|debug|info|warn|error|off"},
    {"log.format", text, "text", "text for people, json for machines", 0, 0, "text|json"},
    {"log.file", text, "", "appended to; empty: standard error"},
    {"test.lose_unsynced", boolean, "false",
     "for tests: what was not synced dies with the process"},
};

} // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::string_view to_string(value_type t) {
  switch (t) {
  case value_type::text: return "a text";
  case value_type::integer: return "an integer";
  case value_type::boolean: return "true or false";
  case value_type::list: return "a list of texts";
  }
  return "";
}

std::string known_key::env_name() const {
  std::string out = "KITH_";
  for (const char c : name) out += c == '.' ? '_' : c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
  return out;
}

std::span<const known_key> known_keys() { return table; }

const known_key* find_key(std::string_view name) {
  const auto found = std::ranges::find(table, name, &known_key::name);
  return found == std::end(table) ? nullptr : found;
}

const known_key& nearest_key(std::string_view name) {
  name = name.substr(0, compared_size_max);
  return *std::ranges::min_element(table, {},
                                   [&](const known_key& k) { return edit_distance(name, k.name); });
}

std::string nearest_env_name(std::string_view name) {
  name = name.substr(0, compared_size_max);
  return std::ranges::min_element(
             table, {}, [&](const known_key& k) { return edit_distance(name, k.env_name()); })
      ->env_name();
}

} // namespace kith::config
