#include "tools/kith/program/libraries.hpp"

#include "actors/agent/registry.hpp"

#include <dlfcn.h>
#include <filesystem>
#include <kith/simulation.hpp>

namespace kith {

result<void> load_library(const std::string& path) {
  auto count = [] { return agent_types::names().size() + simulation::scenario_names().size(); };
  const auto before = count();
  if (::dlopen(std::filesystem::absolute(path).c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr)
    return fail(errc::invalid, "bad_library",
                std::string(::dlerror()) + ": build it against this version of Kith");
  if (count() == before)
    return fail(errc::invalid, "bad_library",
                path + " has no agent type in it; register them with KITH_AGENT");
  return {};
}

} // namespace kith
