// The commands, their options and their help, by CLI11.
#include "tools/kith/command_line.hpp"
#include "tools/kith/text_values.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace kith::cli {
namespace {

constexpr const char* about = "Kith: agents that outlive their processes, on one node or many.";

constexpr const char* footer =
    R"(Examples:
  kith up --nodes 3 --detach                  a cluster of three nodes, here
  kith spawn greeter --name ada --node n2     an agent on the second of them
  kith ask ada greet Grace                    a question, and its answer
  kith ps                                     what runs
  kith stop                                   stops it in order

Every command takes --json and then prints exactly one JSON document on stdout.

Exit codes: 0 ok; 1 failed, or the answer was a refusal; 2 wrong usage or setting; 3 no node is
running there, or a port or directory is in use; 4 not found; 5 not allowed, or a wrong secret;
6 timeout; 7 overloaded, try later; 8 damaged data or a failing disk.

KITH_DIR names the state directory, as --dir does; NO_COLOR=1 asks for plain text.)";

void define_init(CLI::App& c, options& o) {
  c.add_option("--nodes", o.nodes, "How many nodes (default 1)")->check(CLI::Range(1u, nodes_max));
  c.add_option("--listen", o.listen,
               "host:port of the first node; the others take the ports after it "
               "(default: free ports of 127.0.0.1)");
  c.add_option("--join", o.join, "host:port of any node of a cluster that is there already");
  c.add_option("--secret-file", o.secret_file, "That cluster's cluster.secret, which is copied");
}
void define_up(CLI::App& c, options& o) {
  c.add_option("--nodes", o.nodes, "How many nodes (default: those that are there, or 1)")
      ->check(CLI::Range(1u, nodes_max));
  c.add_flag("--detach", o.detach, "Return once they are ready, and leave them running");
  c.add_option("--ready-timeout", o.ready_timeout, "How long to wait for that (default 30s)");
}
void define_run(CLI::App& c, options& o) {
  c.add_option("--set", o.set, "key=value: a setting, above kith.toml and KITH_*")
      ->take_all()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}
void define_stop(CLI::App& c, options& o) {
  c.add_option("--deadline", o.deadline,
               "How long a node may drain (default: its shutdown.deadline_ms)");
}
void define_nothing(CLI::App&, options&) {}

void define_spawn(CLI::App& c, options& o) {
  c.add_option("type", o.type,
               "A type of agent; `kith spawn` of an unknown one says which there are")
      ->required();
  c.add_option("--name", o.name, "A name to reach it by");
  c.add_option("--node", o.on_node,
               "The node to put it on, by name or DID (default: the one asked)");
}
void define_agents(CLI::App& c, options& o) {
  c.add_flag("--all", o.all, "Those of the whole cluster");
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
  c.add_flag("--volatile", o.volatile_, "QoS 0: fast, not stored, may be lost");
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

struct spec {
  const char* name;
  const char* group; // empty: of `dlq`
  const char* about;
  const char* examples;
  void (*define)(CLI::App&, options&);
};

constexpr spec specs[] = {
    {"init", "Cluster", "Create the state directory: a cluster secret, and settings for each node",
     "  kith init --nodes 3\n"
     "  kith init --dir /srv/kith --listen 10.0.0.2:4711 --join 10.0.0.1:4711 --secret-file "
     "cluster.secret",
     define_init},
    {"up", "Cluster",
     "Start the nodes here (init first if need be), and stay until they are stopped",
     "  kith up --nodes 3            Ctrl-C stops them in order, a second one at once\n"
     "  kith up --detach             also starts again what has died",
     define_up},
    {"run", "Cluster",
     "Run one node in the foreground; SIGTERM drains it, a second one stops it at once",
     "  kith run --node n1\n  kith run --node n1 --set log.level=debug", define_run},
    {"ps", "Cluster", "List the nodes", "  kith ps\n  kith ps --json", define_nothing},
    {"tree", "Cluster", "Show a node's supervision tree", "  kith tree --node n2", define_nothing},
    {"stop", "Cluster", "Stop the nodes in order, and wait for that; with --node only one",
     "  kith stop\n  kith stop --node n2 --deadline 10s", define_stop},
    {"version", "Cluster", "Print the version", "  kith version --json", define_nothing},
    {"spawn", "Agents", "Make an agent of a registered type, and print its DID",
     "  kith spawn greeter --name ada\n  kith spawn counter --name c --node n2", define_spawn},
    {"agents", "Agents", "List the agents and what they take", "  kith agents --all",
     define_agents},
    {"send", "Agents", "Send a message, and print its id once it is stored",
     "  kith send ada greet Grace\n  kith send c add --json-payload 5\n"
     "  kith send c add --json-payload 5 --id 01939d4e-0000-7000-8000-000000000001   safe to "
     "repeat",
     define_send},
    {"ask", "Agents", "Send a message, wait for the answer, and print it",
     "  kith ask ada greet Grace --timeout 5s", define_ask},
    {"where", "Agents", "Say where a message is, and what became of it",
     "  kith where 01939d4e-0000-7000-8000-000000000001", define_where},
    {"ls", "", "List the dead letters of all nodes here", "  kith dlq ls --agent ada",
     define_dlq_ls},
    {"show", "", "Show one with its payload",
     "  kith dlq show 01939d4e-0000-7000-8000-000000000001", define_dlq_show},
};

void define_common(CLI::App& app, options& o) {
  app.add_option("--dir", o.dir,
                 "The cluster's state directory (default $KITH_DIR, or ./kith-data)");
  app.add_option("--node", o.node,
                 "The node to talk to, by name (default: the first that answers)");
  app.add_flag("--json", o.json, "Print one JSON document");
}

void define_commands(CLI::App& app, const program& what, options& o) {
  auto* dlq = app.add_subcommand("dlq", "Messages whose handlers failed every time (ls, show)");
  dlq->group("Agents")->require_subcommand(1)->fallthrough();
  for (const auto& s : specs) {
    const bool of_dlq = *s.group == '\0';
    auto* c = (of_dlq ? *dlq : app).add_subcommand(s.name, s.about);
    if (!of_dlq) c->group(s.group);
    c->fallthrough()->footer(std::string("Examples:\n") + s.examples);
    s.define(*c, o);
    c->callback([&o, name = (of_dlq ? "dlq " : "") + std::string(s.name)] { o.command = name; });
  }
  for (const auto& extra : what.commands) // for the help only: see command_of_extension
    app.add_subcommand(extra.name, extra.about)->group(extra.hidden ? "" : "More");
}

// If the command is one of an extension's: all that follows its name is its own, help and --json
// included, which CLI11 would take for ours.
bool command_of_extension(const std::vector<std::string>& arguments, const program& what,
                          options& o) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& word = arguments[i];
    if (word == "--json") {
      o.json = true;
    } else if ((word == "--dir" || word == "--node") && i + 1 < arguments.size()) {
      (word == "--dir" ? o.dir : o.node) = arguments[++i];
    } else {
      const auto found = std::find_if(what.commands.begin(), what.commands.end(),
                                      [&](const command& c) { return c.name == word; });
      if (found == what.commands.end()) return false;
      o.command = word;
      o.rest.assign(arguments.begin() + std::ptrdiff_t(i) + 1, arguments.end());
      return true;
    }
  }
  return false;
}

// What CLI11 says, as one sentence.
error usage_error(const CLI::ParseError& e, const std::vector<std::string>& arguments,
                  const program& what) {
  std::string text = e.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::vector<std::string> names{"dlq"};
  for (const auto& s : specs)
    if (*s.group) names.push_back(s.name);
  for (const auto& c : what.commands)
    if (!c.hidden) names.push_back(c.name);
  const auto first = std::find_if(arguments.begin(), arguments.end(),
                                  [](const std::string& a) { return !a.empty() && a[0] != '-'; });
  const auto known = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::string help = "`kith --help`";
  if (first != arguments.end()) {
    const bool is_value =
        first != arguments.begin() && (first[-1] == "--dir" || first[-1] == "--node");
    if (known(*first))
      help = "`kith " + *first + " --help`";
    else if (!is_value) {
      text = "there is no command '" + *first + "'";
      if (const auto near = nearest(*first, names); !near.empty())
        text += ", did you mean '" + near + "'?";
    }
  }
  return {errc::invalid, "usage", text + "; see " + help};
}

// Ours, by CLI11. An answer if all is said with that.
result<std::optional<already_answered>> parse_ours(const std::vector<std::string>& arguments,
                                                   const program& what, options& o) {
  CLI::App app(about, "kith");
  app.require_subcommand(1)->fallthrough();
  app.footer(footer);
  app.set_version_flag("--version", "kith " + what.version);
  app.get_formatter()->column_width(34);
  define_common(app, o);
  define_commands(app, what, o);
  if (arguments.empty()) return already_answered{app.help() + "\n"};
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return already_answered{app.help() + "\n"};
  } catch (const CLI::CallForVersion&) {
    return already_answered{"kith " + what.version + "\n"};
  } catch (const CLI::ParseError& e) {
    return fail(usage_error(e, arguments, what));
  }
  return std::nullopt;
}

} // namespace

result<parsed> parse_command_line(const std::vector<std::string>& arguments, const program& what,
                                  const console& io) {
  options o;
  if (!command_of_extension(arguments, what, o)) {
    o = {};
    KITH_ASSIGN(auto answered, parse_ours(arguments, what, o));
    if (answered) return std::move(*answered);
  }
  if (o.dir.empty()) o.dir = io.environment("KITH_DIR").value_or("");
  if (o.dir.empty()) o.dir = "./kith-data";
  return o;
}

} // namespace kith::cli
