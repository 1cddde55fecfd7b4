#include "actors/mailbox/advertised.hpp"

#include <kith/describe.hpp>
#include <kith/durable.hpp>

namespace kith {

namespace {

constexpr std::uint16_t cell_form = 1;

struct advertised_kind {
  std::string kind, about;
};
KITH_DESCRIBE(advertised_kind, kind, about);

} // namespace

std::string encode_advertised(const advertised_list& list) {
  std::vector<advertised_kind> all;
  for (const auto& [kind, about] : list) all.push_back({kind, about});
  std::string cell{char(detail::cell::format), 0, char(cell_form)};
  json_writer out(cell);
  json_codec<std::vector<advertised_kind>>::write(out, all);
  return cell;
}

result<advertised_list> decode_advertised(byte_view cell) {
  constexpr auto header = detail::cell::header_size;
  const auto bad = fail(errc::corrupt, "bad_cell", "what an agent advertises does not decode");
  if (cell.size() < header || cell[0] != detail::cell::format) return bad;
  if (cell[1] != 0 || cell[2] != cell_form)
    return fail(errc::unsupported, "cell_version", "a newer Kith wrote what an agent advertises");
  const auto parsed = json::parse(as_text(cell.subspan(header)));
  std::vector<advertised_kind> all;
  decode_error why;
  if (!parsed || !json_codec<std::vector<advertised_kind>>::read(*parsed, all, why)) return bad;
  advertised_list list;
  for (auto& a : all) list.emplace_back(std::move(a.kind), std::move(a.about));
  return list;
}

} // namespace kith
