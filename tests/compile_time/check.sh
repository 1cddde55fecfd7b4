#!/usr/bin/env bash
# What an agent's author pays: a file that includes only <kith/kith.hpp> compiles in at most 3 times the time of one
# that includes <string> <functional> <vector>. Medians of 5 of processor time (user and system), taken in turns, by
# the compiler itself and not through ccache. The compiler is $CXX, or g++.
#
#   tests/compile_time/check.sh [RATIO_MAX]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ratio_max=${1:-3}
rounds=5
export LC_ALL=C
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

printf '#include <string>\n#include <functional>\n#include <vector>\n' > "$scratch/plain.cpp"
printf '#include <kith/kith.hpp>\n' > "$scratch/kith.cpp"

compile() { # NAME: adds the seconds that it took to NAME.times
  local TIMEFORMAT='%U %S'
  { time CCACHE_DISABLE=1 "${CXX:-g++}" -std=c++20 -I "$root" -I "$root/actors/agent/include" \
    -I "$root/runtime/base/include" -c "$scratch/$1.cpp" -o "$scratch/$1.o" \
    2> "$scratch/$1.log"; } 2> "$scratch/$1.time" ||
    { cat "$scratch/$1.log" >&2; exit 1; }
  awk '{ print $1 + $2 }' "$scratch/$1.time" >> "$scratch/$1.times"
}
median() { sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"; }

compile plain && compile kith && rm "$scratch"/*.times # reads the headers into the page cache
for _ in $(seq "$rounds"); do
  compile plain
  compile kith
done
awk -v plain="$(median "$scratch/plain.times")" -v kith="$(median "$scratch/kith.times")" -v max="$ratio_max" 'BEGIN {
  printf "<string> <functional> <vector>: %.2f s; <kith/kith.hpp>: %.2f s; ", plain, kith
  printf "ratio %.2f, at most %s\n", kith / plain, max
  exit !(plain > 0 && kith / plain <= max)
}'
