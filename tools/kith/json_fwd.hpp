// The names of Boost.JSON's types, for headers: what includes Boost.JSON itself is slow to compile,
// and so is a source only.
#pragma once

namespace boost::json {
class array;
class object;
class value;
} // namespace boost::json
