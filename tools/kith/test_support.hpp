// For tests only: a console that is a pair of strings, and a command line run on it.
#pragma once

#include "actors/client/test_support.hpp"
#include "tools/kith/cli.hpp"
#include "tools/kith/json_fwd.hpp"

#include <functional>
#include <map>
#include <sstream>

namespace kith::test {

// Calls back with all that was written so far, at each flush: how a test acts in the middle of a
// command.
class watched_buffer : public std::stringbuf {
public:
  std::function<void(const std::string&)> on_flush;

protected:
  int sync() override {
    if (on_flush) on_flush(str());
    return 0;
  }
};

struct outcome {
  int code = 0;
  std::string out;
  std::string err;
  // Throws unless stdout is exactly one JSON document.
  boost::json::value document() const; // test_support.test.cpp
};

class command_line {
public:
  explicit command_line(std::string dir) : dir_(std::move(dir)) {}

  cli::program program{.version = "1.2.3"};
  std::map<std::string, std::string> environment;
  std::string input;
  bool terminal = false;
  std::function<void(const std::string&)> on_out, on_err;
  // The terminal that asks for secrets; empty: none.
  std::function<result<crypto::secret_buffer>(const std::string&)> ask_secret;

  outcome operator()(std::vector<std::string> arguments) const {
    watched_buffer out_buffer, err_buffer;
    out_buffer.on_flush = on_out;
    err_buffer.on_flush = on_err;
    std::istringstream in(input);
    std::ostream out(&out_buffer), err(&err_buffer);
    auto variables = environment;
    variables.emplace("KITH_DIR", dir_);
    cli::console io{in,
                    out,
                    err,
                    terminal,
                    false,
                    [&](const std::string& name) {
                      const auto found = variables.find(name);
                      return found == variables.end() ? std::nullopt : std::optional(found->second);
                    },
                    {},
                    ask_secret};
    for (const auto& v : environment)
      if (v.first.starts_with("KITH_") && v.first != "KITH_DIR") io.settings.push_back(v);
    outcome result;
    result.code = cli::run(arguments, program, io);
    result.out = out_buffer.str();
    result.err = err_buffer.str();
    return result;
  }

private:
  std::string dir_;
};

} // namespace kith::test
