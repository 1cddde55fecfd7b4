// For tests only: a state directory whose nodes are threads with canned answers.
#pragma once

#include "tools/kith/test_support.hpp"

namespace kith::test {

// The rest of an answer's line, behind its id.
std::string ok(const std::string& result);
std::string failed(const char* category, const char* code);

// A state directory with nodes n1, n2, ... that are initialised; those given here run. Its
// functions are in test_support.test.cpp.
class cluster {
public:
  using results = std::map<std::string, std::string>; // by verb: what ok() or failed() gives
  using handler = std::function<std::string(const std::string& verb, const boost::json::object&)>;

  explicit cluster(unsigned count);
  void serve(const std::string& name, results answers);
  // `answer` runs on the node's thread.
  void serve_by(const std::string& name, handler answer);
  void stop(const std::string& name) { nodes_.erase(name); }
  boost::json::object last_args(const std::string& name) const;
  std::size_t requests(const std::string& name) const { return nodes_.at(name)->lines().size(); }
  std::string path(const std::string& name) const { return dir_ / name; }

private:
  temporary_directory dir_;
  std::map<std::string, std::unique_ptr<fake_node>> nodes_;

public:
  command_line kith{dir_.path().string()};
};

} // namespace kith::test
