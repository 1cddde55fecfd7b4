// The commands and their help.
#include "tools/kith/command_specs.hpp"

#include "tools/kith/command_options.hpp"

namespace kith::cli {
namespace {

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
    {"", "backup", "Cluster",
     "Back up a node's store and keys, while it runs or not; or look at backups (ls, verify)",
     "  kith backup --node n1 --to /backups/n1 --keep 7\n  kith backup ls /backups/n1\n"
     "  kith backup verify /backups/n1 --id 3",
     define_backup},
    {"backup", "ls", "", "List the backups in a directory", "  kith backup ls /backups/n1",
     define_backup_ls},
    {"backup", "verify", "", "Read all of a backup, and compare with its checksums",
     "  kith backup verify /backups/n1", define_backup_verify},
    {"", "restore", "Cluster",
     "Put a backup of a node back, here or on another machine; it then starts as restored",
     "  kith restore --from /backups/n1 --dir ./kith-data\n"
     "  kith restore --from /backups/n1 --id 3 --force",
     define_restore},
    {"", "verify", "Cluster", "Read all files of a node's store, and compare with their checksums",
     "  kith verify --node n1", define_nothing},
    {"", "fsck", "Cluster",
     "Decode every record of a stopped node's store, and say what does not fit",
     "  kith fsck --node n1 --json", define_nothing},
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
