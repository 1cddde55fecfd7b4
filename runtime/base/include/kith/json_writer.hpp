// Writes JSON straight into a string, without a value in between: how what agents send and store
// becomes text.
#pragma once

#include <kith/json.hpp>

namespace kith {

// Appends JSON to a string, without spaces. The caller calls in an order that makes sense; commas
// come by themselves. Throws json_error where json::dump does.
class json_writer {
public:
  explicit json_writer(std::string& out) : out_(out) {}
  json_writer(const json_writer&) = delete;
  json_writer& operator=(const json_writer&) = delete;

  void null();
  void boolean(bool v);
  void integer(std::int64_t v);
  void positive(std::uint64_t v);
  void real(double v);
  void string(std::string_view v);
  void value(const json& v);
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void begin_object() { open('{'); }
  void key(std::string_view name);
  void end_object() { close('}'); }

private:
  void open(char c);
  void close(char c);
  void separate();
  void quoted(std::string_view v);

  std::string& out_;
  std::size_t depth_ = 0;
  bool comma_ = false;
};

} // namespace kith
