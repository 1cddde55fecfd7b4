// From a component's identifier to its value.
#include "protocols/httpsig/component.hpp"

#include <algorithm>

namespace kith::httpsig {
namespace {

tl::unexpected<error> bad(std::string why) {
  return fail(errc::unsupported, "bad_component", std::move(why));
}

bool is_component_name(std::string_view name) {
  if (name.starts_with('@')) name.remove_prefix(1);
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return sf::is_tchar(c) && !(c >= 'A' && c <= 'Z');
  });
}

// The parameters of an identifier, understood.
struct flags {
  bool sf = false, bs = false, req = false;
  const std::string* key = nullptr;
  const std::string* name = nullptr;
};

result<flags> read_flags(const component& c) {
  flags out;
  for (const auto& p : c.params()) {
    const auto* flag = std::get_if<bool>(&p.value);
    const auto* text = std::get_if<std::string>(&p.value);
    const bool set = flag && *flag;
    if (p.key == "req" && set)
      out.req = true;
    else if (p.key == "sf" && set && !c.derived())
      out.sf = true;
    else if (p.key == "bs" && set && !c.derived())
      out.bs = true;
    else if (p.key == "key" && text && !c.derived())
      out.key = text;
    else if (p.key == "name" && text && c.name() == "@query-param")
      out.name = text;
    else
      return bad("the component '" + shown(c.name()) + "' has a parameter '" + shown(p.key) +
                 "' that is unknown or does not apply here");
  }
  if (out.bs && (out.sf || out.key))
    return bad("the component '" + shown(c.name()) + "' has bs, which excludes sf and key");
  return out;
}

result<std::string> member_value(const std::string& name, const std::string& key,
                                 std::string_view text) {
  KITH_ASSIGN(auto parsed, sf::parse_dictionary(text));
  const auto* member = sf::find(parsed, key);
  if (!member)
    return fail(errc::not_found, "field_missing",
                "the field '" + shown(name) + "' has no member '" + shown(key) + "'");
  return sf::serialize(*member);
}

result<std::string> wrapped_values(const std::vector<std::string>& values) {
  sf::list out;
  for (const auto& value : values) out.push_back(sf::item{to_bytes(as_bytes(value)), {}});
  return sf::serialize(out);
}

result<std::string> reserialized(field_type type, std::string_view text) {
  switch (type) {
  case field_type::item: {
    KITH_ASSIGN(auto parsed, sf::parse_item(text));
    return sf::serialize(parsed);
  }
  case field_type::list: {
    KITH_ASSIGN(auto parsed, sf::parse_list(text));
    return sf::serialize(parsed);
  }
  case field_type::dictionary: {
    KITH_ASSIGN(auto parsed, sf::parse_dictionary(text));
    return sf::serialize(parsed);
  }
  }
  return bad("no such type of field");
}

result<std::string> field_component(const component& c, const flags& flags,
                                    const message_view& message) {
  if (flags.bs) {
    KITH_ASSIGN(auto values, field_values(message, c.name()));
    return wrapped_values(values);
  }
  KITH_ASSIGN(auto text, combined_field(message, c.name()));
  if (!flags.sf && !flags.key) return text;
  const auto type = known_type(message, c.name());
  if (!type) return bad("the field '" + shown(c.name()) + "' is not known to be structured");
  if (!flags.key) return reserialized(*type, text);
  if (*type != field_type::dictionary)
    return bad("the field '" + shown(c.name()) + "' is no dictionary, it has no keys");
  return member_value(c.name(), *flags.key, text);
}

std::string query_of(const message_view& message) {
  return "?" + std::string(message.query.value_or(std::string_view()));
}

std::string request_target_of(const message_view& message) {
  if (!message.request_target.empty()) return std::string(message.request_target);
  return (message.path.empty() ? "/" : std::string(message.path)) +
         (message.query ? query_of(message) : "");
}

result<std::string> derived_component(const component& c, const flags& flags,
                                      const message_view& message) {
  const auto& name = c.name();
  if (name == "@status") {
    if (!message.is_response() || message.status < 100 || message.status > 999)
      return bad("a request has no status");
    return std::to_string(message.status);
  }
  if (message.is_response())
    return bad("a response has no '" + shown(name) + "' of its own: it is its request's, with req");
  if (name == "@method") {
    if (message.method.empty()) return bad("the message has no method");
    return std::string(message.method);
  }
  if (name == "@scheme") {
    if (message.scheme.empty()) return bad("the message has no scheme");
    return to_lower(message.scheme);
  }
  if (name == "@target-uri") return target_uri(message);
  if (name == "@authority") return authority(message);
  if (name == "@request-target") return request_target_of(message);
  if (name == "@path") return message.path.empty() ? "/" : std::string(message.path);
  if (name == "@query") return query_of(message);
  if (name == "@query-param") {
    if (!flags.name) return bad("@query-param says by its parameter 'name' which one");
    return query_param(message, *flags.name);
  }
  return bad("there is no component '" + shown(name) + "'");
}

} // namespace

result<component> component::from(const sf::item& item) {
  const auto* name = std::get_if<std::string>(&item.value);
  if (!name || !is_component_name(*name))
    return fail(errc::malformed, "bad_component",
                "a covered component is a string: a field's name in lower case, or @ and a name");
  return component(*name, item.params);
}

bool component::operator==(const component& other) const {
  return name_ == other.name_ && params_.size() == other.params_.size() &&
         std::is_permutation(params_.begin(), params_.end(), other.params_.begin());
}

result<std::string> component_value(const component& wanted, const message_view& message) {
  KITH_ASSIGN(auto flags, read_flags(wanted));
  const auto* source = &message;
  if (flags.req) {
    if (!message.is_response()) return bad("req is for responses only");
    if (!message.request || message.request->is_response())
      return bad("the request that this response answers is not at hand");
    source = message.request;
  }
  KITH_ASSIGN(auto value, wanted.derived() ? derived_component(wanted, flags, *source)
                                           : field_component(wanted, flags, *source));
  // RFC 9421 sections 2.2 and 2.5: ASCII, and no line break that would forge a line of the base.
  const bool tabs = !wanted.derived();
  const auto fits = [&](char c) { return sf::is_printable(c) || (tabs && c == '\t'); };
  if (!std::all_of(value.begin(), value.end(), fits) || value.starts_with(' ') ||
      value.ends_with(' '))
    return bad("the value of '" + shown(wanted.name()) + "' is not printable ASCII");
  return value;
}

} // namespace kith::httpsig
