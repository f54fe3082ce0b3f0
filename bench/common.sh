# shellcheck shell=bash
# What the scripts of this folder share: sourced with the tool to measure as $1, in the project's folder.
# shellcheck disable=SC2034 # used by those who source it
tool=${1:-build/wilco}
seconds=${BENCH_SECONDS:-2}
rounds=${BENCH_ROUNDS:-3}
folder=$(mktemp -d)
brokers=()

finish() {
  for pid in "${brokers[@]}"; do
    kill "$pid" 2> /dev/null || true
  done
  rm -rf "$folder"
}
trap finish EXIT

echo "building"
if ! { cmake --preset release -DWILCO_BENCH=ON && cmake --build --preset release; } > "$folder/build.log" 2>&1; then
  cat "$folder/build.log"
  exit 1
fi
generator=$(find build/release -name bench_load -type f)

# The broker gets the first core, the generator the last.
first_core=()
last_core=()
if [ "$(nproc)" -gt 1 ] && command -v taskset > /dev/null; then
  first_core=(taskset -c 0)
  last_core=(taskset -c $(($(nproc) - 1)))
fi

# Starts a broker, which becomes $pid, and reads what it says on standard error up to a line like $1.
start() {
  local until=$1 line
  shift
  exec {said}< <(exec "$@" 2>&1 > /dev/null)
  pid=$!
  brokers+=("$pid")
  while read -r -t 10 -u "$said" line; do
    [[ ! $line =~ $until ]] || return 0
  done
  echo "$*: did not start" >&2
  exit 1
}

# start_wilco OPTION...: with these options of `wilco broker`.
start_wilco() {
  start 'event=ready.*listen=mqtt://127\.0\.0\.1:([0-9]+)' \
    "${first_core[@]}" "$tool" broker --listen mqtt://127.0.0.1:0 --set log_refusals_max=0 "$@" # nobody reads on
  port=${BASH_REMATCH[1]}
}

# generate MODE OPTION...: a load on the broker that is $port and $pid, from the last core.
generate() {
  "${last_core[@]}" "$generator" "$@" --port "$port" --pid "$pid"
}

# values FILE KEY...: of a result, in one line; a key within another is written latency_us.p99.
values() {
  /usr/bin/python3 -c '
import functools, json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    result = json.load(file)
print(*(functools.reduce(lambda value, key: value[key], path.split("."), result) for path in sys.argv[2:]))' "$@"
}
