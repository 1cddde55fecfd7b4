// Why a value could not be read, in words that go back to the sender.
#pragma once

#include <string>
#include <string_view>

namespace kith {

// "member x: element 3: expected an integer".
class decode_error {
public:
  bool fail(std::string_view expected); // "expected " + it; false
  bool missing(std::string_view member);
  // Says where: the outer ones are added as the reading returns. False.
  bool within_member(std::string_view name);
  bool within_element(std::size_t index);
  const std::string& text() const { return text_; }

private:
  std::string text_;
};

} // namespace kith
