// The spellings that exist only in CAF 0.17, in one place, and the parts of CAF that every actor of
// Kith uses; also the precompiled header of actors/.
#pragma once

#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/logger.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <string>

namespace kith {

// A thread that spawned an actor keeps a part of the actor system alive until it ends, and the
// system's destructor waits for that for ever. To be called by a thread that goes on, once it has
// spawned.
inline void let_go_of_actor_system() { caf::logger::set_current_actor_system(nullptr); }

// What an actor gave as its reason to end, in its own words: the text of an error that has one.
inline std::string reason_text(const caf::error& why) {
  if (why.context().match_elements<std::string>()) return why.context().get_as<std::string>(0);
  return to_string(why);
}

} // namespace kith
