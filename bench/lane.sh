#!/usr/bin/env bash
# What a flood of plain messages does to the latency of requests and responses, with the priority lane and
# without it (bulk_turn_us=0), and what the lane costs the flood. Broker on the first core, everything else
# on the last, where the flood has the lowest priority, so that it is the broker that is measured. Runs are
# interleaved: in each round every broker is idle, flooded, and has the flood alone.
#   bench/lane.sh [TOOL]      BENCH_SECONDS=2 each, BENCH_ROUNDS=3
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=bench/common.sh
source bench/common.sh

# run_flood SECONDS: in the background, as $flooder; returns when it flows. The window is as large as a
# subscriber's output may be, so that the broker always has something to do and drops nothing.
run_flood() {
  local publishers subscribers payload
  read -r publishers subscribers payload <<< "$shape"
  mkfifo "$folder/flooding"
  nice -n 19 "${last_core[@]}" "$generator" publish --announce --fan --publishers "$publishers" --subscribers "$subscribers" \
    --payload "$payload" --window $((524288 / publishers / (payload + 32))) --seconds "$1" --port "$port" --pid "$pid" \
    > "$folder/flood" 2> "$folder/flooding" &
  flooder=$!
  read -r < "$folder/flooding" || true
  rm "$folder/flooding"
}

# One requester, one request in flight.
exchange() {
  generate request --seconds "$seconds"
}

# summary FILE: median and least of a column of numbers.
summary() {
  sort -n "$1" | awk '{v[NR] = $1} END {printf "%.1f (%.1f)", v[int((NR + 1) / 2)], v[1]}'
}

# note NAME FILE COLUMN KEY...: adds numbers of a result to the columns of a broker.
note() {
  local name=$1 file=$folder/$2 column number
  shift 2
  while [ $# -gt 0 ]; do
    column=$1 number=$(values "$file" "$2")
    echo "$number" >> "$folder/$name.$column"
    shift 2
  done
}

# measure NAME: a round of the broker that is $port and $pid.
measure() {
  exchange > "$folder/idle"
  run_flood $((seconds + 2))
  exchange > "$folder/flooded"
  wait "$flooder"
  run_flood "$seconds"
  wait "$flooder"
  note "$1" idle idle50 latency_us.p50 idle99 latency_us.p99
  note "$1" flooded flooded50 latency_us.p50 flooded99 latency_us.p99
  note "$1" flood rate per_second cpu broker_cpu_us
}

# report NAME: idle and flooded percentiles, and of each round p99 flooded by p99 idle.
report() {
  paste "$folder/$1.flooded99" "$folder/$1.idle99" | awk '{print $1 / $2}' > "$folder/$1.ratio99"
  printf '%-10s %-4s' "$shape" "$1"
  for column in idle50 idle99 flooded50 flooded99 ratio99; do
    printf ' %s=%s' "$column" "$(summary "$folder/$1.$column")"
  done
  echo
}

# compare COLUMN: of each round, lane in percent of none.
compare() {
  paste "$folder/lane.$1" "$folder/none.$1" | awk '{print 100 * $1 / $2}' > "$folder/percent"
  summary "$folder/percent"
}

names=(lane none)
start_wilco --shards 1
ports=("$port")
start_wilco --shards 1 --set bulk_turn_us=0
ports+=("$port")

echo "publishers, subscribers, payload; median (least) of $rounds rounds, in microseconds"
for shape in "1 1 64" "4 1 64" "8 8 64" "2 500 64" "4 4 16384"; do
  rm -f "$folder"/{lane,none}.*
  for ((round = 1; round <= rounds; round++)); do
    for i in "${!names[@]}"; do
      port=${ports[$i]}
      pid=${brokers[$i]}
      measure "${names[$i]}"
    done
  done
  report lane
  report none
  echo "  flood alone, lane in percent of none: messages $(compare rate), CPU for each $(compare cpu)"
done
