// Answers of many to one request of the control socket, joined into one array.
#pragma once

#include "actors/node/control_server.hpp"

#include <memory>

namespace boost::json {
class array;
}

namespace kith::control {

// Thread-safe; shared by the answers under way.
class gathering {
public:
  // Whoever has not answered by then is left out.
  static constexpr duration time_max = std::chrono::seconds(2);
  using finished = std::function<void(boost::json::array)>;

  explicit gathering(finished done);
  ~gathering();
  // ---- before anybody answers
  void add(boost::json::value known);
  // So many are asked; `done` is called at once if nobody is.
  void expect(std::size_t answers);
  // ---- an answer, or the lack of one
  void one(boost::json::value v);
  void none();
  // With what there is; nothing if `done` was called before.
  void give_up();

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace kith::control
