// Components: the parts of a message that a signature covers, each an identifier (a name and
// parameters) and the value that the message has for it (RFC 9421 section 2).
#pragma once

#include "protocols/httpsig/message.hpp"
#include "protocols/httpsig/structured_fields.hpp"

namespace kith::httpsig {

// "@method", "content-digest", "@query-param";name="Pet". On the wire a structured field's item
// whose value is a string.
class component {
public:
  // Without parameters; implicit, so that lists of names read well.
  component(std::string name) : name_(std::move(name)) {}
  component(const char* name) : name_(name) {}
  component(std::string name, sf::parameters params)
      : name_(std::move(name)), params_(std::move(params)) {}
  // malformed "bad_component" if it is no string, or not a name in lower case, or a name of no form
  // that a component can have.
  static result<component> from(const sf::item& item);

  const std::string& name() const { return name_; }
  const sf::parameters& params() const { return params_; }
  bool derived() const { return name_.starts_with('@'); }
  sf::item to_item() const { return {name_, params_}; }
  // As it stands in a signature base. invalid "bad_structured_value".
  result<std::string> identifier() const { return sf::serialize(to_item()); }

  // The order of parameters does not matter (RFC 9421 section 2).
  bool operator==(const component& other) const;

private:
  std::string name_;
  sf::parameters params_;
};

// RFC 9421 sections 2.1 to 2.4. Known are all derived components of section 2.2 and, of fields, the
// parameters sf, key, bs and req; not tr (trailers). Errors: unsupported "bad_component" for an
// unknown component or parameter, parameters that exclude each other, and a component that such a
// message cannot have; not_found "field_missing"; malformed "bad_field"; those of structured
// fields.
result<std::string> component_value(const component& wanted, const message_view& message);

} // namespace kith::httpsig
