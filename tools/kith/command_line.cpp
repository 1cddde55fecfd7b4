// Takes the command line apart by CLI11, with the commands of command_specs.cpp.
#include "tools/kith/command_line.hpp"
#include "tools/kith/command_specs.hpp"
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

void define_common(CLI::App& app, options& o) {
  app.add_option("--dir", o.dir,
                 "The cluster's state directory (default $KITH_DIR, or ./kith-data)");
  app.add_option("--node", o.node,
                 "The node to talk to, by name (default: the first that answers)");
  app.add_flag("--json", o.json, "Print one JSON document");
}

void define_commands(CLI::App& app, const program& what, options& o) {
  for (const auto& f : command_families())
    app.add_subcommand(f.name, f.about)->group(f.group)->require_subcommand(1)->fallthrough();
  for (const auto& s : command_specs()) {
    const std::string family = s.family;
    auto* c = (family.empty() ? app : *app.get_subcommand(family)).add_subcommand(s.name, s.about);
    if (family.empty()) c->group(s.group);
    c->fallthrough()->footer(std::string("Examples:\n") + s.examples);
    s.define(*c, o);
    c->callback([&o, c, name = (family.empty() ? "" : family + " ") + s.name] {
      if (c->get_subcommands().empty()) o.command = name; // else it was one of its own
    });
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
  std::vector<std::string> names;
  for (const auto& f : command_families()) names.push_back(f.name);
  for (const auto& s : command_specs())
    if (*s.family == '\0') names.push_back(s.name);
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
