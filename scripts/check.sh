#!/usr/bin/env bash
# Everything that must pass before a change goes in: lint; a strict release build, its hardening, what it costs
# (tests/cost) and the tests of whole programs with it; those of modules under the address and undefined behaviour
# sanitizers, scenarios and what has threads under the thread sanitizer. The last line sums up: N passed, N failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

passed=0
failed=0
mkdir -p build

# As the test runner says it: "97% tests passed, 1 tests failed out of 42".
count() {
  local bad all
  read -r bad all < <(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\)/\1 \2/p' "$1")
  if [ -z "${all:-}" ]; then
    failed=$((failed + 1))
  else
    passed=$((passed + all - bad))
    failed=$((failed + bad))
  fi
}

# build_preset PRESET [TARGET]: what does not build counts as one failure.
build_preset() {
  local preset=$1 log=build/check-$1.log
  echo "== $preset: building"
  { cmake --preset "$preset" && cmake --build --preset "$preset" ${2:+--target "$2"}; } > "$log" 2>&1 || {
    cat "$log"
    echo "== $preset: does not build"
    failed=$((failed + 1))
    return 1
  }
}

# So does what does not end as the runner says.
check_preset() {
  local preset=$1 log=build/check-$1.log
  local target=
  [ "$preset" = tsan ] && target=threaded
  build_preset "$preset" $target || return
  echo "== $preset: testing"
  ctest --preset "$preset" --parallel "$(nproc)" 2>&1 | tee "$log"
  count "$log"
}

# check_step COMMAND: counts as one.
check_step() {
  echo "== $(basename "$1" | cut -d. -f1)"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
}

started=$SECONDS
check_step scripts/lint.sh
if build_preset strict; then
  passed=$((passed + 1))
  check_step tests/packaging/hardening.py build/strict/wilco build/strict/libwilco.so
  check_step tests/cost/cost.py
fi
for preset in ${PRESETS:-strict asan tsan}; do
  check_preset "$preset"
done
echo "== done in $((SECONDS - started)) seconds, lint, the strict build, its hardening and costs counted as one each"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
