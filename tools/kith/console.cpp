// The process's own console.
#include "tools/kith/console.hpp"
#include "tools/kith/node_settings.hpp"
#include "tools/kith/terminal.hpp"

#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace kith::cli {

console system_console() {
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const bool plain = !environment("NO_COLOR").value_or("").empty() || environment("TERM") == "dumb";
  return {std::cin,
          std::cout,
          std::cerr,
          terminal,
          terminal && !plain,
          environment,
          settings_variables(environ),
          ask_at_terminal};
}

} // namespace kith::cli
