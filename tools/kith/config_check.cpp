// The settings' room reports the first mistake of a file. Here that one is taken out of a copy, by
// blanking its lines (so that the others keep their numbers), until the rest is sound.
#include "tools/kith/config_check.hpp"
#include "runtime/identity/did.hpp"
#include "runtime/net/network.hpp"

#include <algorithm>
#include <cstdlib>

namespace kith::cli {
namespace {

constexpr std::size_t value_lines_max = 1000; // of one value; a longer one ends the search

std::vector<std::string> lines_of(const std::string& bytes) {
  std::vector<std::string> lines{""};
  for (const char c : bytes)
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& l : lines) out += (&l == &lines.front() ? "" : "\n") + l;
  return out;
}

bool is_header(const std::string& line) {
  const auto first = line.find_first_not_of(" \t");
  return first != line.npos && line[first] == '[';
}

// The line that an error of settings::apply_toml is about; 0 if it names none. The sentence of a
// bad value ends with the value, that of an unknown key begins with it: neither may mislead.
std::size_t line_of(const error& e, const std::string& name) {
  const auto mark = name + " line ";
  const auto at = e.code == "unknown_key" ? e.context.rfind(mark) : e.context.find(mark);
  if (at == e.context.npos) return 0;
  return std::strtoul(e.context.c_str() + at + mark.size(), nullptr, 10);
}

// "lnik" after "lnik.listen": a table that is empty only because we emptied it.
bool is_echo(const error& e, const std::vector<error>& before) {
  constexpr std::string_view begin = "unknown key ";
  if (e.code != "unknown_key" || !e.context.starts_with(begin)) return false;
  const auto name = e.context.substr(0, e.context.find(' ', begin.size()));
  return std::any_of(before.begin(), before.end(),
                     [&](const error& b) { return b.context.starts_with(name + "."); });
}

// Without the key, or the table, that begins on `line`. False if no part can be taken out.
bool take_out(std::string& bytes, std::size_t line, const std::string& name) {
  auto lines = lines_of(bytes);
  if (line == 0 || line > lines.size()) return false;
  auto end = line; // one behind it, counted from 0
  if (is_header(lines[line - 1]))
    while (end < lines.size() && !is_header(lines[end])) ++end;
  const auto end_max = std::min(lines.size(), end + value_lines_max);
  bool changed = false;
  for (auto i = line - 1; i < end; ++i) changed = changed || !lines[i].empty(), lines[i].clear();
  for (;; ++end) {
    bytes = joined(lines);
    config::settings ignored;
    const auto rest = ignored.apply_toml(bytes, name);
    if (rest || rest.error().code != "bad_toml") return changed;
    if (end >= end_max) return false;
    lines[end].clear();
  }
}

bool is_loopback(const std::string& address) {
  const auto parsed = net::parse_address(address);
  return parsed &&
         (parsed->type == net::address::kind::unix_socket || parsed->host == "localhost" ||
          parsed->host == "::1" || parsed->host.starts_with("127."));
}

class value_check {
public:
  explicit value_check(const config::settings& all) : all_(all) {}
  std::vector<error> found;

  void address(std::string_view key) {
    if (!all_.text(key).empty()) address(key, all_.text(key));
  }
  void address(std::string_view key, const std::string& value) {
    if (const auto parsed = net::parse_address(value); !parsed)
      add(key, "is no address: " + parsed.error().context);
  }
  void url(std::string_view key) {
    const auto& value = all_.text(key);
    const auto scheme = value.find("://");
    const bool good = value.starts_with("https://") || value.starts_with("http://");
    if (!value.empty() && (!good || value.size() == scheme + 3))
      add(key, "is no URL: it begins with https:// or http:// and names a host");
  }
  void add(std::string_view key, const std::string& what) {
    const auto& origin = all_.origin(key);
    const auto where = origin == "default" ? "" : " (" + origin + ")";
    found.push_back({errc::invalid, "bad_value", std::string(key) + where + " " + what});
  }

private:
  const config::settings& all_;
};

} // namespace

std::vector<error> problems_of_file(std::string bytes, const std::string& name,
                                    config::settings& into) {
  std::vector<error> found;
  for (;;) {
    const auto applied = into.apply_toml(bytes, name);
    if (applied) return found;
    if (!is_echo(applied.error(), found)) found.push_back(applied.error());
    const bool readable =
        applied.error().code == "unknown_key" || applied.error().code == "bad_value";
    if (!readable || found.size() >= config_problems_max ||
        !take_out(bytes, line_of(applied.error(), name), name))
      return found;
  }
}

std::vector<error> problems_of_variables(const std::vector<config::named_text>& variables,
                                         config::settings& into) {
  std::vector<error> found;
  for (const auto& one : variables) {
    if (found.size() >= config_problems_max) break;
    if (const auto applied = into.apply_environment({one}); !applied)
      found.push_back(applied.error());
  }
  return found;
}

std::vector<error> problems_of_values(const config::settings& all) {
  value_check check(all);
  check.address("link.listen");
  check.address("link.advertise");
  check.address("edge.listen");
  for (const auto& seed : all.list("cluster.seeds")) check.address("cluster.seeds", seed);
  check.url("edge.public_url");
  for (const auto& who : all.list("edge.allow"))
    if (!did::parse(who)) check.add("edge.allow", "has an element that is no DID: " + who);
  const bool chain = !all.text("edge.certificate_file").empty();
  const bool key = !all.text("edge.key_file").empty();
  if (chain != key)
    check.add(chain ? "edge.certificate_file" : "edge.key_file",
              chain ? "needs edge.key_file beside it" : "needs edge.certificate_file beside it");
  const auto& listen = all.text("edge.listen");
  const bool beyond = !listen.empty() && net::parse_address(listen) && !is_loopback(listen);
  if (beyond && all.text("edge.tls") == "off")
    check.add("edge.tls", "is off, but edge.listen is reached from other machines");
  else if (beyond && !chain && !key)
    check.add("edge.listen", "is reached from other machines: set edge.certificate_file and "
                             "edge.key_file");
  return std::move(check.found);
}

} // namespace kith::cli
