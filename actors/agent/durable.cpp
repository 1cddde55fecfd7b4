// Cells: their stored form, and their part in a turn.
#include "actors/agent/core.hpp"

#include <kith/durable.hpp>
#include <stdexcept>

namespace kith::detail {

cell::cell(agent& owner, std::string_view name, cell_version version)
    : core_(owner.core_), name_(name), version_(version.number) {
  if (core_.at != agent_core::phase::constructing)
    throw std::logic_error("a durable is a member of its agent: " + name_);
  if (name.empty() || name.size() > name_size_max || version_ == 0)
    throw std::invalid_argument(
        "a durable needs a name of 1 to 255 bytes and a version from 1 on: " + name_);
  if (name.starts_with("kith."))
    throw std::invalid_argument("names that begin with kith. are Kith's own: " + name_);
  for (const auto* other : core_.cells)
    if (other->name_ == name_) throw std::invalid_argument("two durables have the name " + name_);
  core_.cells.push_back(this);
}

std::uint16_t cell::load(json& value) {
  auto found = core_.host.load_cell(name_);
  if (!found) throw activation_failure{std::move(found).error()};
  if (!*found) return 0;
  byte_reader in(**found);
  const auto stored_format = in.u8();
  const auto stored_version = in.u16();
  if (!in.ok() || stored_version == 0) reject("it is too short");
  if (stored_format > format || stored_version > version_)
    throw activation_failure{{errc::unsupported, "cell_version",
                              "durable \"" + name_ + "\" was stored in version " +
                                  std::to_string(stored_version) + ", and this program knows " +
                                  std::to_string(version_) + ": run the newer program"}};
  if (stored_format != format) reject("its format is unknown");
  auto parsed = json::parse(as_text(in.rest()));
  if (!parsed) reject(parsed.error().what());
  value = std::move(*parsed);
  return stored_version;
}

void cell::reject(std::string reason) const {
  throw activation_failure{{errc::corrupt, "bad_cell", "durable \"" + name_ + "\": " + reason}};
}

bool cell::touch(bool knowingly) {
  if (core_.at != agent_core::phase::turn && core_.at != agent_core::phase::setting_up)
    throw std::logic_error("durable \"" + name_ + "\" may be changed in a handler or setup() only");
  if (dirty_) return false;
  if (core_.run != nullptr && !seen_ && !knowingly) core_.run->writing(core_, *this);
  core_.dirty.push_back(this);
  dirty_ = true;
  return true;
}

void cell::reading() const {
  if (core_.run == nullptr || dirty_ || seen_) return;
  auto& self = const_cast<cell&>(*this); // get() is const; what it notes is not the value
  self.seen_ = true;
  core_.seen.push_back(&self);
  core_.run->read(core_, self);
}

} // namespace kith::detail
