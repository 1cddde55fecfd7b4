// What each command may be given, and what of that is checked before it runs.
#include "tools/kith/command_options.hpp"

#include <CLI/CLI.hpp>

namespace kith::cli {

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

void define_backup(CLI::App& c, options& o) {
  c.add_option("--to", o.where, "The directory of this node's backups; made if it is not there");
  c.add_option("--keep", o.keep, "Erase all but so many of the newest (default: keep all)")
      ->check(CLI::Range(std::uint64_t(1), std::uint64_t(100'000)));
  c.add_option("--rate", o.rate, "Copy at most so many MiB a second (default: no limit)")
      ->check(CLI::Range(std::uint64_t(1), std::uint64_t(1'000'000)));
}
void define_backup_ls(CLI::App& c, options& o) {
  c.add_option("dir", o.where, "The directory of backups")->required();
}
void define_backup_verify(CLI::App& c, options& o) {
  define_backup_ls(c, o);
  c.add_option("--id", o.backup, "Which (default: the newest)");
}
void define_restore(CLI::App& c, options& o) {
  c.add_option("--from", o.where, "The directory of backups")->required();
  c.add_option("--id", o.backup, "Which (default: the newest)");
  c.add_option("--state-dir", o.dir, "The same as --dir: where the node is to be");
  c.add_flag("--force", o.force, "If that node is there, move it aside; nothing is deleted");
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

} // namespace kith::cli
