#!/usr/bin/env bash
# Installs a build, moves it, and builds and runs a program with what is there.
#   run.sh CMAKE BUILD_FOLDER WORK_FOLDER COMPILER
set -euo pipefail
cmake=$1
build=$(realpath "$2")
work=$(realpath -m "$3")
cc=$4
here=$(cd "$(dirname "$0")" && pwd)
broker_pid=

stop_broker() {
  [ -z "$broker_pid" ] || { kill "$broker_pid" 2> /dev/null && wait "$broker_pid" 2> /dev/null; } || true
}
trap stop_broker EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

quietly() { # COMMAND...: its output only when it fails
  "$@" > "$work/log" 2>&1 || {
    cat "$work/log"
    fail "$@"
  }
}

install_somewhere_else() {
  rm -rf "$work"
  mkdir -p "$work"
  quietly "$cmake" --install "$build" --prefix "$work/installed"
  mv "$work/installed" "$work/moved" # nothing may remember where it was
  prefix=$work/moved
  package=$(find "$prefix" -name wilco.pc)
  [ -n "$package" ] || fail "there is no wilco.pc"
  libraries=$(dirname "$(dirname "$package")")
  export PKG_CONFIG_PATH=${package%/*} LD_LIBRARY_PATH=$libraries
}

start_broker() {
  exec 3< <(exec "$prefix/bin/wilco" broker --listen mqtt://127.0.0.1:0 2>&1)
  broker_pid=$!
  while IFS= read -r -t 30 -u 3 line; do
    if [[ $line =~ event=ready.*\ listen=([^\ ]+) ]]; then
      export WILCO_URL=${BASH_REMATCH[1]}
      return
    fi
  done
  fail "the broker does not start"
}

# works HOW PROGRAM NEEDED: it says what it should, and needs libwilco.so (yes) or not (no).
works() {
  local output needs=no
  output=$("$2" 2>&1) || fail "$1: $output"
  [ "$output" = "hello 3 1" ] || fail "$1: wrote: $output"
  [[ $(ldd "$2") != *libwilco* ]] || needs=yes
  [ "$needs" = "$3" ] || fail "$1: needs libwilco.so: $needs"
  echo "ok: $1"
}

with_pkg_config() {
  local flags static
  flags=$(pkg-config --cflags --libs wilco)
  static=$(pkg-config --cflags --libs --static wilco)
  # shellcheck disable=SC2086 # flags are words
  quietly "$cc" -o "$work/shared" "$here/user.c" $flags
  # shellcheck disable=SC2086
  quietly "$cc" -o "$work/static" "$here/user.c" ${static/-lwilco/-l:libwilco.a}
  works "pkg-config, shared" "$work/shared" yes
  works "pkg-config, static" "$work/static" no
}

with_cmake() {
  quietly "$cmake" -S "$here/project" -B "$work/project" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$cc"
  quietly "$cmake" --build "$work/project"
  works "find_package, shared" "$work/project/user_shared" yes
  works "find_package, static" "$work/project/user_static" no
}

# Each header alone, as C and, where there is a compiler for it, as C++.
headers() {
  local cxx header
  cxx=$(command -v g++ || command -v clang++ || true)
  for header in "$prefix"/include/wilco/*.h; do
    quietly "$cc" -x c -std=c17 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only "$header"
    [ -z "$cxx" ] ||
      quietly "$cxx" -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only "$header"
  done
  [ -z "$cxx" ] ||
    quietly "$cxx" -std=c++11 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only "$here/user.cpp"
  echo "ok: headers as C${cxx:+ and as C++}"
}

# Where man and shells look for them.
papers() {
  local name
  for name in man/man1/wilco-request.1 man/man3/wilco.3 man/man3/wilco_request.3 man/man5/wilco.conf.5 man/man8/wilco-broker.8 \
    bash-completion/completions/wilco zsh/site-functions/_wilco fish/vendor_completions.d/wilco.fish; do
    [ -s "$prefix/share/$name" ] || fail "there is no share/$name"
  done
  echo "ok: man pages and completion"
}

# systemd's unit names the program where it was installed; it is not moved afterwards.
unit() {
  local unit=$prefix/lib/systemd/system/wilco.service
  grep -q "^ExecStart=$work/installed/bin/wilco broker " "$unit" || fail "the unit starts something else"
  [ -s "$prefix/lib/sysusers.d/wilco.conf" ] || fail "there is no user for the service"
  echo "ok: unit and user"
}

install_somewhere_else
papers
unit
start_broker
with_pkg_config
with_cmake
headers
