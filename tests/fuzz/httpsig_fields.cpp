// Any text as a structured field, a content digest and a query: never a crash, and what was read is
// the same once written and read again, with the same text from then on.
#include "protocols/httpsig/content_digest.hpp"
#include "protocols/httpsig/structured_fields.hpp"

#include <cstdlib>

using namespace kith;
using namespace kith::httpsig;

static void check(bool ok) {
  if (!ok) std::abort();
}

template <class T>
static void round_trip(std::string_view text,
                       result<T> (*parse)(std::string_view, const sf::limits&)) {
  for (bool duplicates : {true, false}) {
    sf::limits limits;
    limits.duplicates_allowed = duplicates;
    const auto read = parse(text, limits);
    if (!read) continue;
    const auto written = sf::serialize(*read);
    check(written.has_value());
    // "a,b" becomes "a, b": near the limit the canonical form may be past it.
    if (written->size() > limits.size_max) continue;
    const auto again = parse(*written, limits);
    check(again && *again == *read);
    check(sf::serialize(*again) == *written);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = as_text({data, size});
  round_trip(text, sf::parse_dictionary);
  round_trip(text, sf::parse_list);
  round_trip(text, sf::parse_item);
  (void)check_content_digest(text, as_bytes("body"));

  message_view message;
  message.query = text;
  for (std::string_view name : {"a", "", "%C3%BC"}) {
    const auto value = query_param(message, name);
    if (!value) continue;
    // Encoded once more it stays as it is.
    const auto again_query = std::string(name) + "=" + *value;
    message_view again;
    again.query = again_query;
    if (again_query.size() <= query_size_max) check(query_param(again, name) == *value);
  }
  return 0;
}
