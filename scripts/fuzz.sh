#!/usr/bin/env bash
# Searches for inputs that break a decoder: every target in turn, FUZZ_SECONDS each, starting from the
# kept corpus. What is found new stays in build/fuzz/corpus; what breaks in build/fuzz/findings.
#   scripts/fuzz.sh [TARGET...]      e.g. FUZZ_SECONDS=3600 scripts/fuzz.sh fuzz_publish
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-60}
build=build/fuzz
cmake --preset fuzz > /dev/null
cmake --build --preset fuzz
mkdir -p $build/findings

targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(find $build -type f -name 'fuzz_*' -perm -u+x -printf '%f\n' | sort)
[ ${#targets[@]} -gt 0 ] || {
  echo "fuzz: no target was built" >&2
  exit 1
}

broken=0
for target in "${targets[@]}"; do
  words=$(find $build -name mqtt.dict)
  program=$(find $build -type f -name "$target" -perm -u+x)
  kept=tests/fuzz/corpus/${target#fuzz_}
  grown=$build/corpus/${target#fuzz_}
  mkdir -p "$grown"
  own=tests/fuzz/words/${target#fuzz_}.dict
  [ ! -e "$own" ] || words=$own
  echo "== $target: $seconds seconds"
  "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    ${words:+-dict="$words"} \
    -artifact_prefix="$build/findings/$target-" "$grown" "$kept" 2> "$build/$target.log" ||
    broken=$((broken + 1))
  grep -E '^stat::number_of_executed|^SUMMARY|Test unit written' "$build/$target.log" || true
done
echo "${#targets[@]} targets, $broken broken"
[ $broken -eq 0 ]
