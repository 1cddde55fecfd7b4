// What an agent advertises, as the store keeps it for the time in which it sleeps: a durable of the
// mailbox's own, a JSON array.
#pragma once

#include "runtime/base/bytes.hpp"

#include <string>
#include <utility>
#include <vector>

namespace kith {

constexpr std::string_view advertised_cell = "kith.advertised";
using advertised_list = std::vector<std::pair<std::string, std::string>>; // kind, what it is about

std::string encode_advertised(const advertised_list& list);
// corrupt "bad_cell"; unsupported "cell_version" if a newer Kith wrote it.
result<advertised_list> decode_advertised(byte_view cell);

} // namespace kith
