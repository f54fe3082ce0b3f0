#!/usr/bin/env bash
# What can be said about the sources without running them. Every step runs; details only on failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

failed=0
log=build/lint/log
cpus=$(nproc)
mkdir -p build/lint/cppcheck

# step NAME COMMAND...: the command's first line of output is its summary.
step() {
  local name=$1
  shift
  if "$@" > $log 2>&1; then
    printf 'lint: %-12s ok      %s\n' "$name" "$(head -n 1 $log)"
  else
    printf 'lint: %-12s FAILED\n' "$name"
    cat $log
    failed=$((failed + 1))
  fi
}

# find_files ARGUMENTS...: of everything that is ours, as find(1) prints it.
find_files() {
  find . \( -path ./build -o -name .git -o -name node_modules \) -prune -o -type f \( "$@" \) -print | sort
}

sources() {
  find_files -name '*.[ch]'
}

format() {
  local ugly
  echo "$(sources | wc -l) files laid out as .clang-format says"
  ugly=$(sources | xargs clang-format --dry-run 2>&1 | sed -n 's/:[0-9]*:[0-9]*: warning: .*//p' | sort -u)
  [ -z "$ugly" ] || {
    printf 'To lay it out: clang-format -i %s\n' "${ugly//$'\n'/ }"
    return 1
  }
}

tidy() {
  cmake --preset lint > build/lint/configure.log 2>&1 || {
    cat build/lint/configure.log
    return 1
  }
  scripts/tidy.py build/lint src include
}

# Headers are manuals: each must be readable, and so compilable, alone.
compile_header() {
  echo "#include \"$1\"" | gcc -std=c17 -Wall -Wextra -Wpedantic -Werror -Iinclude -Isrc -fsyntax-only -x c -
}

headers() {
  echo "every header compiles alone"
  export -f compile_header
  (cd include && find . -name '*.h'; cd ../src && find . -name '*.h') |
    sed 's|^\./||' | xargs -P "$cpus" -I '{}' bash -c 'compile_header {}'
}

cppcheck_sources() {
  echo "src"
  cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --inline-suppr --max-configs=1 \
    --suppress=missingIncludeSystem --error-exitcode=1 -j "$cpus" \
    --cppcheck-build-dir=build/lint/cppcheck -Iinclude -Isrc src
}

spelling() {
  echo "sources and papers"
  # Left out: what is made of bytes, what is misspelt on purpose, what is not ours, and pieces of words that tests cut.
  find_files ! -path '*/corpus/*' ! -path './bench/report.*' ! -name package-lock.json ! -name test_nearest.c |
    xargs codespell --quiet-level=2 --ignore-words-list=fo,inflight,nin
}

shell() {
  echo "every shell script"
  find_files -name '*.sh' -o -path './.ci/run' | xargs shellcheck
}

# Of libwilco nothing may be seen but what starts with wilco_.
exports() {
  local extra
  echo "libwilco exports wilco_ symbols only"
  cmake --preset dev && cmake --build --preset dev --target libwilco.a libwilco.so || return 1
  extra=$(nm -g --defined-only build/dev/libwilco.a | grep -E ' [A-Z] ' | grep -v ' wilco_')
  extra+=$(nm -D --defined-only build/dev/libwilco.so | grep -E ' [A-Z] ' | grep -v ' wilco_')
  [ -z "$extra" ] || {
    echo "$extra"
    return 1
  }
}

step format format
step rules scripts/rules.py
step conformance scripts/conformance.py --check
step api scripts/api.py --check
step headers headers
step spelling spelling
step shell shell
step cppcheck cppcheck_sources
step tidy tidy
if [ -e src/client/CMakeLists.txt ]; then
  step exports exports
fi

[ $failed -eq 0 ] || {
  echo "lint: $failed steps failed"
  exit 1
}
