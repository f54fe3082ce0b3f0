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

cases=("--requesters 16 --window 64 --responders 4" "--requesters 16 --window 64 --responders 4 --qos 1" ""
  "--requesters 200 --responders 20" "--requesters 16 --window 16 --responders 4 --payload 16384")
for case in "${cases[@]}"; do
  echo "${case:-one requester, one in flight}:"
  for ((round = 1; round <= rounds; round++)); do
    for i in "${!names[@]}"; do
      port=${ports[$i]}
      pid=${brokers[$i]}
      # shellcheck disable=SC2086 # a list of words
      generate request $case --seconds "$seconds" > "$folder/result"
      read -r rate p50 p99 cpu load <<< \
        "$(values "$folder/result" per_second latency_us.p50 latency_us.p99 broker_cpu_us generator_load)"
      printf '  %-10s %10.0f round trips/s  p50 %.1f us  p99 %.1f us  broker CPU %.2f us each  generator load %.2f\n' \
        "${names[$i]}" "$rate" "$p50" "$p99" "$cpu" "$load"
    done
  done
done
index=$(find build/release -name bench_topic_index -type f)
[ -z "$index" ] || "$index"
bench/tracking.sh "$tool"
bench/lane.sh "$tool"
