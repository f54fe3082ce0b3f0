#!/usr/bin/env bash
# Requests and responses through Wilco and, side by side, through mosquitto where it is installed: the
# broker on one core, the generator on the other. Runs are interleaved, so only ratios of one run count.
#   bench/run.sh [TOOL]      BENCH_SECONDS=2 each, BENCH_ROUNDS=3
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=bench/common.sh
source bench/common.sh

start_mosquitto() {
  port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  {
    echo "listener $port 127.0.0.1"
    printf '%s\n' "allow_anonymous true" "max_queued_messages 0" "max_inflight_messages 0" \
      "set_tcp_nodelay true" "log_dest stderr" "log_type notice" "log_type information" "connection_messages false"
  } > "$folder/mosquitto.conf"
  start 'running' "${first_core[@]}" mosquitto -c "$folder/mosquitto.conf"
}

start_wilco --shards 1
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
bench/tracking.sh "$tool"
bench/lane.sh "$tool"
