// The part of the tests' support that needs Boost.JSON.
#include "tools/kith/test_support.hpp"

#include <boost/json.hpp>

namespace kith::test {

boost::json::value outcome::document() const { return boost::json::parse(out); }

} // namespace kith::test
