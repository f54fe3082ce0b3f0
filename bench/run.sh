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

# The last core is the generator's.
last=$(($(nproc) - 1))
on_core() {
  local core=$1
  shift
  if [ "$last" -gt 0 ] && command -v taskset > /dev/null; then taskset -c "$core" "$@"; else "$@"; fi
}

# Sets port and pid.
start_wilco() {
  on_core 0 "$tool" broker --listen mqtt://127.0.0.1:0 --shards 1 2> "$folder/wilco.log" &
  pid=$!
  brokers+=("$pid")
  # The log is followed until it says that the broker is ready.
  port=$(timeout 10 tail -n +1 -f --pid=$pid "$folder/wilco.log" |
    sed -n 's/.*event=ready.*listen=mqtt:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p;/event=ready/q')
}

start_mosquitto() {
  port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  printf 'listener %s 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\nlog_dest stderr\n' \
    "$port" > "$folder/mosquitto.conf"
  on_core 0 mosquitto -c "$folder/mosquitto.conf" 2> "$folder/mosquitto.log" &
  pid=$!
  brokers+=("$pid")
  timeout 10 tail -n +1 -f --pid=$pid "$folder/mosquitto.log" | sed '/running/q' > /dev/null
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
      line=$(on_core "$last" "$generator" "${ports[$i]}" $case "$seconds" "${brokers[$i]}")
      printf '%-10s %s\n' "${names[$i]}" "$line"
    done
  done
done
index=$(find build/release -name bench_topic_index -type f)
[ -z "$index" ] || "$index"
