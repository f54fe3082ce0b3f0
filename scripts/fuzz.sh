#!/usr/bin/env bash
# Searches for inputs that break something: FUZZ_SECONDS are divided among all targets, of which as many run at a time
# as there are processors, each from its kept corpus on. What is found new stays in build/fuzz/corpus; what breaks
# something in build/fuzz/findings.
#   scripts/fuzz.sh [TARGET...]            e.g. FUZZ_SECONDS=3600 scripts/fuzz.sh fuzz_publish
#   scripts/fuzz.sh --keep [TARGET...]     puts the fewest inputs that cover what all of them cover into tests/fuzz/corpus
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-600}
build=$PWD/build/fuzz
export build

program_of() {
  find "$build" -type f -name "$1" -perm -u+x
}

# fuzz_one TARGET SECONDS: one line when it is done; false if something broke.
fuzz_one() {
  local target=$1 log=$build/$1.log status=ok
  local kept=tests/fuzz/corpus/${target#fuzz_} grown=$build/corpus/${target#fuzz_}
  local words=tests/fuzz/words/${target#fuzz_}.dict
  [ -e "$words" ] || words=$build/tests/fuzz/mqtt.dict
  mkdir -p "$grown"
  "$(program_of "$target")" -max_total_time="$2" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -close_fd_mask=1 -dict="$words" -artifact_prefix="$build/findings/$target-" \
    "$grown" "$kept" 2> "$log" || status=BROKEN
  stat_of() { sed -n "s/^stat::$1: *//p" "$log"; }
  printf '%-18s %-7s %11s runs %6s new inputs  cov %5s  %5s MiB\n' "$target" "$status" \
    "$(stat_of number_of_executed_units)" "$(stat_of new_units_added)" \
    "$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d ' ' -f 2)" "$(stat_of peak_rss_mb)"
  [ $status = ok ] || grep -aE '^foul|Assertion|^SUMMARY|Test unit written' "$log" || true
  [ $status = ok ]
}

# keep_one TARGET: the kept corpus is made anew.
keep_one() {
  local target=$1 kept=tests/fuzz/corpus/${1#fuzz_} grown=$build/corpus/${1#fuzz_} fewest
  fewest=$(mktemp -d)
  mkdir -p "$grown" "$kept"
  "$(program_of "$target")" -merge=1 -close_fd_mask=1 "$fewest" "$kept" "$grown" 2> "$build/$target.log"
  rm -r "$kept"
  mv "$fewest" "$kept"
  chmod 755 "$kept"
  echo "$target: $(find "$kept" -type f | wc -l) inputs, $(du -sb "$kept" | cut -f 1) bytes"
}
export -f program_of fuzz_one keep_one

is_to_keep=false
[ "${1:-}" != --keep ] || {
  is_to_keep=true
  shift
}
cmake --preset fuzz > /dev/null
cmake --build --preset fuzz --target fuzz_targets
mkdir -p "$build/findings"
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(find "$build" -type f -name 'fuzz_*' -perm -u+x -printf '%f\n' | sort)
[ ${#targets[@]} -gt 0 ] || {
  echo "fuzz: no target was built" >&2
  exit 1
}

if $is_to_keep; then
  for target in "${targets[@]}"; do
    keep_one "$target"
  done
  exit
fi
each=$((seconds * $(nproc) / ${#targets[@]}))
[ $each -ge 1 ] || each=1
echo "${#targets[@]} targets, $each seconds each, $(nproc) at a time"
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I '{}' bash -c "fuzz_one {} $each" || {
  echo "something broke: see build/fuzz/findings"
  exit 1
}
