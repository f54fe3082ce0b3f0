#!/usr/bin/env bash
# Requests and responses through Wilco and, side by side, through mosquitto where it is installed: the
# broker on one core, the generator on the other. Runs are interleaved, so only ratios of one run count.
#   bench/run.sh [TOOL]      BENCH_SECONDS=2 each, BENCH_ROUNDS=3
set -euo pipefail
cd "$(dirname "$0")/.."

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
generator=$(find build/release -name bench_exchange -type f)

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

start_wilco() {
  start 'event=ready.*listen=mqtt://127\.0\.0\.1:([0-9]+)' \
    "${first_core[@]}" "$tool" broker --listen mqtt://127.0.0.1:0 --shards 1
  port=${BASH_REMATCH[1]}
}

start_mosquitto() {
  port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  {
    echo "listener $port 127.0.0.1"
    printf '%s\n' "allow_anonymous true" "max_queued_messages 0" "max_inflight_messages 0" \
      "set_tcp_nodelay true" "log_dest stderr" "log_type notice" "log_type information" "connection_messages false"
  } > "$folder/mosquitto.conf"
  start 'running' "${first_core[@]}" mosquitto -c "$folder/mosquitto.conf"
}

start_wilco
names=(wilco)
ports=("$port")
if command -v mosquitto > /dev/null; then
  start_mosquitto
  names+=(mosquitto)
  ports+=("$port")
fi

# requesters, window, responders, payload bytes, QoS
cases=("16 64 4 64 0" "16 64 4 64 1" "1 1 1 64 0" "200 1 20 64 0" "16 16 4 16384 0")
for case in "${cases[@]}"; do
  for ((round = 1; round <= rounds; round++)); do
    for i in "${!names[@]}"; do
      # shellcheck disable=SC2086 # a list of numbers
      line=$("${last_core[@]}" "$generator" "${ports[$i]}" $case "$seconds" "${brokers[$i]}")
      printf '%-10s %s\n' "${names[$i]}" "$line"
    done
  done
done
index=$(find build/release -name bench_topic_index -type f)
[ -z "$index" ] || "$index"
