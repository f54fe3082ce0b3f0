#!/usr/bin/env bash
# Installs what is missing: "build" for what the tool and the library need, "all" for the tests too.
# A second run finds nothing to do and says nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

# A word is a Debian package, or package:command where any package that brings the command will do.
build="cmake:cmake ninja-build:ninja pkg-config:pkg-config libjansson-dev
  liburcu-dev libxxhash-dev libmimalloc-dev
  libssl-dev libwslay-dev libargon2-dev libcrypt-dev libseccomp-dev"
tests="gcc:gcc clang:clang libclang-rt-14-dev clang-format:clang-format clang-tidy:clang-tidy
  cppcheck:cppcheck codespell:codespell shellcheck:shellcheck libcmocka-dev
  mosquitto mosquitto-clients:mosquitto_rr python3:python3 python3-paho-mqtt nodejs:node npm:npm strace:strace valgrind:valgrind
  libuv1-dev libevent-dev openssl haproxy"
npm_folders="tests/interop bench"

say() {
  echo "setup: $*"
}

die() {
  echo "setup: $*" >&2
  exit 1
}

# Prints the packages that are missing from the words given.
missing_packages() {
  for word in "$@"; do
    case $word in
      *:*) command -v "${word#*:}" > /dev/null || echo "${word%:*}" ;;
      *) echo "$word" ;;
    esac
  done | while read -r package; do
    is_installed "$package" || echo "$package"
  done
}

is_installed() {
  dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2> /dev/null | grep -q '^ii'
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    die "must be root, or have sudo, to install; ask for: apt-get install $missing"
  fi
}

# The broker of the package mosquitto is only wanted as a program to test with: where systemd runs, keep
# it from being started by the installation and at every boot.
install_packages() {
  hold=no
  case " $missing " in
    *" mosquitto "*) [ ! -d /run/systemd/system ] || hold=yes ;;
  esac
  [ $hold = no ] || as_root systemctl --quiet mask mosquitto.service
  as_root apt-get update -qq
  # shellcheck disable=SC2086 # a list of words
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends $missing
  [ $hold = no ] || as_root systemctl --quiet unmask mosquitto.service
  [ $hold = no ] || as_root systemctl --quiet disable mosquitto.service
}

setup_packages() {
  command -v dpkg-query > /dev/null || {
    setup_elsewhere "$@"
    return
  }
  missing=$(missing_packages "$@" | tr '\n' ' ')
  missing=${missing% }
  [ -n "$missing" ] || return 0
  say "installing Debian packages: $missing"
  install_packages
}

# Not Debian: all that can be done is to name the commands that are not there.
setup_elsewhere() {
  absent=
  for word in "$@"; do
    case $word in
      *:*) command -v "${word#*:}" > /dev/null || absent="$absent ${word#*:}" ;;
    esac
  done
  [ -z "$absent" ] || die "this is not Debian: please install$absent, and the libraries CONTRIBUTING.md names"
}

# setup_npm FOLDER: what its package-lock.json names.
setup_npm() {
  [ ! "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] || return 0
  say "installing npm packages of $1/package.json"
  (cd "$1" && npm ci --loglevel=error --no-audit --no-fund --ignore-scripts)
  touch "$1/node_modules/.package-lock.json"
}

case ${1:-all} in
  build)
    # shellcheck disable=SC2086 # lists of words
    setup_packages $build
    ;;
  all)
    # shellcheck disable=SC2086
    setup_packages $build $tests
    for folder in $npm_folders; do
      setup_npm "$folder"
    done
    ;;
  *) die "usage: scripts/setup.sh [build|all]" ;;
esac
