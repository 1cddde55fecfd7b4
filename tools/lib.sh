# What the shell tools share: where the repository is, how progress is told, and how long each phase took.
# Sourced, never run. Sets `root` and changes to it.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

# Two checkouts of the same sources share their cached objects: paths are hashed relative to the root.
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1
export NINJA_STATUS='[%f/%t, %e s] '

# Bold only on a terminal that did not ask for plain text; a log file gets no control codes at all.
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ -z "${CI:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  bold=$'\e[1m' plain=$'\e[0m'
else
  bold='' plain=''
  export NO_COLOR=1
fi

say() { printf '%s%s%s\n' "$bold" "$*" "$plain"; }

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# The comment a script opens with is its help: lines 2 up to the first that is not a comment.
show_help() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }

# phase NAME COMMAND...: announces the phase, runs the command, adds the seconds it took to `phase_times`.
# Fails as the command failed, so that `set -e` ends the script there.
phase_times=''
phase() {
  local name=$1 begin=$SECONDS status=0
  shift
  say "== $name"
  "$@" || status=$?
  local took=$((SECONDS - begin))
  phase_times+="${phase_times:+, }$name $took s"
  if [ "$status" -ne 0 ]; then
    say "== $name failed after $took s" >&2
    return "$status"
  fi
  say "== $name done in $took s"
}
