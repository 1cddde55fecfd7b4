// The commands, their options and their help.
#include "tools/kith/command_specs.hpp"

#include <CLI/CLI.hpp>

namespace kith::cli {
namespace {

void define_init(CLI::App& c, options& o) {
  c.add_option("--nodes", o.nodes, "How many nodes (default 1)")->check(CLI::Range(1u, nodes_max));
  c.add_option("--listen", o.listen,
               "host:port of the first node; the others take the ports after it "
               "(default: free ports of 127.0.0.1)");
  c.add_option("--join", o.join, "host:port of any node of a cluster that is there already");
  c.add_option("--secret-file", o.secret_file, "That cluster's cluster.secret, which is copied");
  c.add_flag("--passphrase", o.passphrase,
             "Ask for a passphrase, and seal the keys of the new nodes under it");
}
void define_libs(CLI::App& c, options& o) {
  c.add_option("--lib", o.libs, "A shared library with more agent types; may stand several times")
      ->take_all()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}
void define_up(CLI::App& c, options& o) {
  define_libs(c, o);
  c.add_option("--nodes", o.nodes, "How many nodes (default: those that are there, or 1)")
      ->check(CLI::Range(1u, nodes_max));
  c.add_flag("--detach", o.detach, "Return once they are ready, and leave them running");
  c.add_option("--ready-timeout", o.ready_timeout, "How long to wait for that (default 30s)");
  c.add_flag("--passphrase", o.passphrase,
             "Ask for a passphrase, and seal those keys under it that are not sealed yet");
}
void define_run(CLI::App& c, options& o) {
  define_libs(c, o);
  c.add_option("--set", o.set, "key=value: a setting, above kith.toml and KITH_*")
      ->take_all()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c.add_option("--passphrase-fd", o.passphrase_fd,
               "A descriptor to read the passphrase of the node's key from, to its end")
      ->check(CLI::Range(0, 1023));
}
void define_stop(CLI::App& c, options& o) {
  c.add_option("--deadline", o.deadline,
               "How long a node may drain (default: its shutdown.deadline_ms)");
}
void define_nothing(CLI::App&, options&) {}

void define_tree(CLI::App& c, options& o) {
  c.add_flag("--watch,-w", o.watch,
             "Go on and show each change, until Ctrl-C; with --json one document a line");
}
void define_top(CLI::App& c, options& o) {
  auto* once = c.add_flag("--once", o.once,
                          "Show it once: two looks, an interval apart, and what is between "
                          "(default where stdout is no terminal, and with --json)");
  c.add_flag("--watch,-w", o.watch,
             "There too go on, until Ctrl-C; with --json one document a line")
      ->excludes(once);
  c.add_option("--interval", o.interval, "From one look to the next (default 1s)");
  c.add_option("--lines,-n", o.lines, "At most so many agents (default 100)")
      ->check(CLI::Range(0u, 1000u));
}
void define_spawn(CLI::App& c, options& o) {
  c.add_option("type", o.type,
               "A type of agent; `kith spawn` of an unknown one says which there are")
      ->required();
  c.add_option("--name", o.name, "A name to reach it by");
  c.add_option("--node", o.on_node,
               "The node to put it on, by name or DID (default: the one asked)");
  c.add_option("--owner", o.owner,
               "A did:key outside that may act as the agent over HTTPS (default: nobody)");
  c.add_option("--under", o.under, "The supervisor, of those that the node's program declares");
  c.add_option("--restart", o.restart, "When it is started again (default: transient)")
      ->check(CLI::IsMember({"permanent", "transient", "temporary"}));
}
void define_own(CLI::App& c, options& o) {
  c.add_option("agent", o.agent, "The agent: its name or DID")->required();
  auto* who = c.add_option("owner", o.owner, "A did:key outside that may act as it over HTTPS");
  c.add_flag("--nobody", o.nobody, "Nobody may, from now on")->excludes(who);
}
void define_agents(CLI::App& c, options& o) {
  c.add_flag("--all", o.all, "Those of the whole cluster");
  c.add_flag("--wide", o.wide,
             "Those of all nodes here, with what waits and what is not acknowledged yet");
}
void define_message(CLI::App& c, options& o) {
  c.add_option("to", o.to, "The agent: its name or DID")->required();
  c.add_option("kind", o.kind, "What kind of message; the agent has a handler for each")
      ->required();
  auto* text = c.add_option("text", o.text,
                            "The payload as text; - reads it from stdin. Put -- before "
                            "text that begins with a dash");
  c.add_option("--json-payload", o.json_payload, "The payload as JSON; - reads it from stdin")
      ->excludes(text);
  c.add_option("--id", o.id, "A UUID of your own: saying the same id again sends nothing twice");
}
void define_send(CLI::App& c, options& o) {
  define_message(c, o);
  c.add_option("--ttl", o.ttl, "How long it may wait for its recipient (default: for ever)");
  auto* fast = c.add_flag("--volatile", o.volatile_, "The same as --qos 0");
  c.add_option(
       "--qos", o.qos,
       "How surely it arrives. 0: fast, not stored, may be lost; 1: at least once, the same "
       "--id again is handled again; 2: once (default)")
      ->check(CLI::Range(0u, 2u))
      ->excludes(fast);
}
void define_ask(CLI::App& c, options& o) {
  define_message(c, o);
  c.add_option("--timeout", o.timeout, "How long to wait for the answer (default 30s)");
}
void define_where(CLI::App& c, options& o) {
  c.add_option("id", o.id, "The message's id, as `kith send` printed it")->required();
}
void define_dlq_ls(CLI::App& c, options& o) {
  c.add_option("--agent", o.agent, "Only of this agent, by name or DID");
}
void define_dlq_show(CLI::App& c, options& o) {
  c.add_option("id", o.id, "The id, as `kith dlq ls` printed it")->required();
}

void define_handlers_show(CLI::App& c, options& o) {
  c.add_option("id", o.id, "The id of the message that began it, as `kith handlers ls` printed it")
      ->required();
}
void define_handlers_cancel(CLI::App& c, options& o) {
  define_handlers_show(c, o);
  c.add_option("--reason", o.reason, "What the handler is told");
}

void define_config_check(CLI::App& c, options& o) {
  c.add_option("file", o.file, "A settings file (default: those of the nodes here)");
}

void define_logs(CLI::App& c, options& o) {
  c.add_flag("--follow,-f", o.follow,
             "Go on with what is added, until Ctrl-C; with --json one document a line");
  c.add_option("--lines,-n", o.lines, "How many of the last lines (default 100)")
      ->check(CLI::Range(0u, 1'000'000u));
  c.add_option("--level", o.level, "Only from this level on")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
  c.add_option("--grep", o.grep, "Only lines with this text");
}

void define_log_level(CLI::App& c, options& o) {
  c.add_option(
       "words", o.words,
       "LEVEL, or LOGGER LEVEL: trace, debug, info, warn, error or off (default: show them)")
      ->expected(0, 2);
  c.add_option("--for", o.for_, "Back to the node's log.level after so long, a week at most");
}
void define_audit_show(CLI::App& c, options& o) {
  c.add_option("--lines,-n", o.lines, "How many of the last lines of each node (default 100)")
      ->check(CLI::Range(0u, 1'000'000u));
}
void define_audit_verify(CLI::App& c, options& o) {
  c.add_option("--head", o.head, "SEQ:DIGEST, as it was printed once and kept elsewhere");
}

void define_did_new(CLI::App& c, options& o) {
  auto* out = c.add_option("--out", o.out,
                           "The key file to make (default ./identity.key); never overwritten");
  c.add_option("--key", o.key_file,
               "With --web, the file of a key that is there already, as a node's")
      ->excludes(out);
  c.add_option("--web", o.web, "A did:web that is to be this key's, whose history begins with it");
  c.add_option("--history", o.history, "The key history to begin for it");
  c.add_flag("--passphrase", o.passphrase, "Ask for a passphrase, and seal the key under it");
}
void define_did_show(CLI::App& c, options& o) {
  c.add_option("did", o.did, "A DID, or a key file (default: this node)");
  c.add_option("--history", o.history, "A key history: show which key was good when");
}
void define_did_resolve(CLI::App& c, options& o) {
  c.add_option("did", o.did, "did:key, did:nostr, or did:web, which is fetched")->required();
  c.add_option("--timeout", o.timeout, "How long a fetch may take (default 5s)");
  c.add_option("--ca-file", o.ca_file, "Further roots to trust, PEM");
  c.add_flag("--allow-private", o.allow_private, "Fetch from private addresses too");
}
void define_did_rotate(CLI::App& c, options& o) {
  c.add_option("--did", o.did, "The did:web")->required();
  c.add_option("--history", o.history, "Its key history, which gets a record")->required();
  c.add_option("--key", o.key_file, "The file of the key that is current")->required();
  c.add_option(
      "--new", o.new_key,
      "The file of the next key: made, unless it is there (default: --key's with a number)");
  c.add_flag("--revoke", o.revoke, "The old key was lost: what it signed is in doubt");
}

void define_did_publish(CLI::App& c, options& o) {
  c.add_option("--history", o.history, "The key history of a did:web of this node")->required();
}
void define_did_withdraw(CLI::App& c, options& o) {
  c.add_option("did", o.did, "The did:web whose key history it is")->required();
}

void define_dlq_many(CLI::App& c, options& o) {
  c.add_option("ids", o.ids, "Their ids, as `kith dlq ls` printed them");
  c.add_flag("--all", o.all, "All of the nodes here");
  c.add_option("--agent", o.agent, "With --all: only of this agent, by name or DID");
}
void define_dlq_purge(CLI::App& c, options& o) {
  define_dlq_many(c, o);
  c.add_flag("--yes", o.yes, "Do not ask first");
}
void define_inbox(CLI::App& c, options& o) {
  c.add_option("who", o.to, "The DID outside of any node, or its name")->required();
  c.add_flag("--follow,-f", o.follow,
             "Go on with what comes, until Ctrl-C; with --json one document a line");
  c.add_option("--after", o.after, "Only what is behind this position");
  c.add_option("--lines,-n", o.lines, "At most so many, oldest first (default 100)")
      ->check(CLI::Range(0u, 1'000'000u));
}
// `to`, and for its own command `agent`: what is one too many there comes here.
void define_timers(CLI::App& c, options& o) {
  c.add_option("agent", o.to, "Whose, by name or DID");
}
void define_timers_cancel(CLI::App& c, options& o) {
  c.add_option("agent", o.agent, "Whose it is, by name or DID")->required();
  c.add_option("id", o.id, "The timer's id, as `kith timers` prints it")->required();
}

void define_sim(CLI::App& c, options& o) {
  define_libs(c, o);
  c.add_option("--scenario", o.scenario,
               "Which, by its name (default: the only one of the program and its libraries, or "
               "walkers, which is built in)");
  c.add_option("--seed", o.seed, "The first seed (default 1)");
  c.add_option("--seeds", o.seeds, "How many, one after the other (default 1)")
      ->check(CLI::Range(std::uint64_t(1), std::uint64_t(1'000'000)));
  c.add_option("--nodes", o.nodes, "How many nodes (default: 3 to 7, by the seed)")
      ->check(CLI::Range(1u, nodes_max));
  c.add_option("--minutes", o.minutes, "How long things go wrong in each, simulated (default 1)")
      ->check(CLI::Range(0.01, 1440.0));
  c.add_option("--faults", o.faults, "Kinds of faults by commas, or none (default: all)");
  c.add_option("--only", o.only, "Of the seed's faults only these, by number")
      ->delimiter(',')
      ->check(CLI::Range(std::size_t(1), std::size_t(1'000'000)));
  c.add_flag("--log", o.log, "Show on stderr what the nodes log, with one seed");
}

constexpr command_spec specs[] = {
    {"", "init", "Cluster",
     "Create the state directory: a cluster secret, and settings for each node",
     "  kith init --nodes 3\n"
     "  kith init --passphrase       each start asks for it, or reads keys.passphrase_file\n"
     "  kith init --dir /srv/kith --listen 10.0.0.2:4711 --join 10.0.0.1:4711 --secret-file "
     "cluster.secret",
     define_init},
    {"", "up", "Cluster",
     "Start the nodes here (init first if need be), and stay until they are stopped",
     "  kith up --nodes 3            Ctrl-C stops them in order, a second one at once\n"
     "  kith up --detach             also starts again what has died\n"
     "  kith up --lib ./agents.so    with the agent types of a library",
     define_up},
    {"", "run", "Cluster",
     "Run one node in the foreground; SIGTERM drains it, a second one stops it at once",
     "  kith run --node n1\n  kith run --node n1 --set log.level=debug", define_run},
    {"", "ps", "Cluster", "List the nodes", "  kith ps\n  kith ps --json", define_nothing},
    {"", "tree", "Cluster", "Show a node's supervision tree",
     "  kith tree --node n2\n  kith tree --watch", define_tree},
    {"", "top", "Cluster",
     "Show what the nodes here do: turns, what waits, the busiest agents, links, the journal",
     "  kith top                     each second, until q or Ctrl-C\n"
     "  kith top --json              once\n"
     "  kith top --json --watch --interval 10s   one document a line",
     define_top},
    {"", "stop", "Cluster", "Stop the nodes in order, and wait for that; with --node only one",
     "  kith stop\n  kith stop --node n2 --deadline 10s", define_stop},
    {"", "doctor", "Cluster", "Say what is wrong with this installation, and how to mend it",
     "  kith doctor\n  kith doctor --node n2 --json", define_nothing},
    {"", "logs", "Cluster", "Show what the nodes here have logged; with --node only one",
     "  kith logs --level warn\n  kith logs --node n2 --follow --grep link", define_logs},
    {"", "log-level", "Cluster", "Change what the nodes here log, while they run; or show it",
     "  kith log-level debug --for 10m\n  kith log-level link trace --node n2\n  kith log-level",
     define_log_level},
    {"audit", "show", "", "Show who changed what on the nodes here",
     "  kith audit show --node n1 --lines 20", define_audit_show},
    {"audit", "verify", "",
     "Hold the audit logs of the nodes here against what was written; exit code 8 if one differs",
     "  kith audit verify\n  kith audit verify --node n1 --head 17:9f86d081...",
     define_audit_verify},
    {"", "sim", "Cluster",
     "Run agents on simulated nodes where much goes wrong, from a seed; exit code 1 if one breaks",
     "  kith sim --seeds 20                the built-in scenario\n"
     "  kith sim --lib ./agents.so --seed 17 --nodes 5 --minutes 10\n"
     "  kith sim --lib ./agents.so --seed 17 --only 4,9 --log\n"
     "  kith sim --faults crash,partition --seeds 100",
     define_sim},
    {"config", "show", "", "Show a node's settings, and where each comes from",
     "  kith config show --node n1", define_nothing},
    {"config", "check", "",
     "Say everything that is wrong with the settings of the nodes here, or in a file",
     "  kith config check\n  kith config check ./kith.toml", define_config_check},
    {"", "version", "Cluster", "Print the version", "  kith version --json", define_nothing},
    {"", "spawn", "Agents", "Make an agent of a registered type, and print its DID",
     "  kith spawn greeter --name ada\n  kith spawn counter --name c --node n2\n"
     "  kith spawn counter --name c --owner did:key:z6Mk...",
     define_spawn},
    {"", "own", "Agents", "Say who outside may act as an agent, in place of whoever did",
     "  kith own ada did:key:z6Mk...\n  kith own ada --nobody", define_own},
    {"", "agents", "Agents", "List the agents and what they take",
     "  kith agents --all\n  kith agents --wide", define_agents},
    {"", "send", "Agents", "Send a message, and print its id once it is stored",
     "  kith send ada greet Grace\n  kith send c add --json-payload 5\n"
     "  kith send c add --json-payload 5 --id 01939d4e-0000-7000-8000-000000000001   safe to "
     "repeat",
     define_send},
    {"", "ask", "Agents", "Send a message, wait for the answer, and print it",
     "  kith ask ada greet Grace --timeout 5s", define_ask},
    {"", "where", "Agents", "Say where a message is, and what became of it",
     "  kith where 01939d4e-0000-7000-8000-000000000001", define_where},
    {"dlq", "replay", "",
     "Send dead letters again, each as a new message from its node; prints ids",
     "  kith dlq replay 01939d4e-0000-7000-8000-000000000001\n"
     "  kith dlq replay --all --agent ada",
     define_dlq_many},
    {"dlq", "purge", "", "Erase dead letters for good",
     "  kith dlq purge 01939d4e-0000-7000-8000-000000000001\n  kith dlq purge --all --yes",
     define_dlq_purge},
    {"", "inbox", "Agents", "Show what waits for a DID outside of any node; takes nothing out",
     "  kith inbox did:key:z6Mk... --follow", define_inbox},
    {"", "timers", "Agents", "List an agent's timers, or cancel one (cancel)",
     "  kith timers ada\n  kith timers cancel ada tea", define_timers},
    {"timers", "cancel", "", "Cancel a timer of an agent", "  kith timers cancel ada tea",
     define_timers_cancel},
    {"did", "new", "", "Make an identity: a key in a file of its own; prints its DID",
     "  kith did new --out ada.key\n"
     "  kith did new --out ada.key --web did:web:example.com:ada --history ada.history",
     define_did_new},
    {"did", "show", "", "Show the document and keys of a DID, a key file, or a node",
     "  kith did show --node n1\n  kith did show ada.key\n  kith did show --history ada.history",
     define_did_show},
    {"did", "resolve", "", "Resolve a DID", "  kith did resolve did:web:example.com",
     define_did_resolve},
    {"did", "rotate", "", "Give a did:web its next key, signed by the current one; prints the key",
     "  kith did rotate --did did:web:example.com:ada --history ada.history --key ada.key",
     define_did_rotate},
    {"did", "publish", "",
     "Have a node serve the document of a key history: its own did:web, or one under a name",
     "  kith did publish --history node.history --node n1", define_did_publish},
    {"did", "withdraw", "", "Have a node serve a key history no more",
     "  kith did withdraw did:web:example.com:agents:ada", define_did_withdraw},
    {"", "crashes", "Agents", "List the last crashes of agents on all nodes here",
     "  kith crashes\n  kith crashes --json", define_nothing},
    {"handlers", "ls", "", "List what waits for what, on all nodes here",
     "  kith handlers ls --agent ada\n  kith handlers ls --json", define_dlq_ls},
    {"handlers", "show", "", "Show one",
     "  kith handlers show 01939d4e-0000-7000-8000-000000000001", define_handlers_show},
    {"handlers", "cancel", "", "Cancel one: what it awaits throws kith::cancelled in it",
     "  kith handlers cancel 01939d4e-0000-7000-8000-000000000001 --reason 'wrong order'",
     define_handlers_cancel},
    {"dlq", "ls", "", "List the dead letters of all nodes here", "  kith dlq ls --agent ada",
     define_dlq_ls},
    {"dlq", "show", "", "Show one with its payload",
     "  kith dlq show 01939d4e-0000-7000-8000-000000000001", define_dlq_show},
};

constexpr command_family families[] = {
    {"config", "Cluster", "The settings of nodes (show, check)"},
    {"audit", "Cluster", "Who changed what on a node (show, verify)"},
    {"did", "Identity",
     "Identities outside of any node, and resolving those of others (new, show, "
     "resolve, rotate, publish, withdraw)"},
    {"handlers", "Agents", "Handlers that wait: coroutines between two turns (ls, show, cancel)"},
    {"dlq", "Agents", "Messages whose handlers failed every time (ls, show, replay, purge)"},
};

} // namespace

std::span<const command_spec> command_specs() { return specs; }
std::span<const command_family> command_families() { return families; }

} // namespace kith::cli
