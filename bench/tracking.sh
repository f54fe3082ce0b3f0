#!/usr/bin/env bash
# What it costs that requests are tracked: the same broker with request_tracking=0 (off), and with it and
# responses to topics that the requesters have subscribed to (on) and to their inboxes (inbox). Runs are
# interleaved, and ratios are taken within a round; medians of all rounds are printed.
#   bench/tracking.sh [TOOL]      BENCH_SECONDS=2 each, BENCH_ROUNDS=3
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=bench/common.sh
source bench/common.sh

start_wilco --shards 1 --set request_tracking=0
off_port=$port off_pid=$pid
start_wilco --shards 1
on_port=$port on_pid=$pid

# run NAME PORT PID [--inbox]: "NAME ROUND_TRIPS CPU P50" to the results of this case.
run() {
  local port=$2 pid=$3
  # shellcheck disable=SC2086 # a list of words
  generate request $case --seconds "$seconds" ${4:-} > "$folder/result"
  echo "$1 $(values "$folder/result" per_second broker_cpu_us latency_us.p50)" >> "$folder/results"
}

# Medians, and medians of the ratios to `off` of the same round.
summarise() {
  awk '
    function median(list, n,  i, j, t) {
      for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (list[j] < list[i]) { t = list[i]; list[i] = list[j]; list[j] = t }
      return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    }
    { n[$1]++; trips[$1, n[$1]] = $2; cpu[$1, n[$1]] = $3; p50[$1, n[$1]] = $4 }
    END {
      split("off on inbox", names, " ")
      for (k = 1; k <= 3; k++) {
        name = names[k]
        for (i = 1; i <= n[name]; i++) {
          t[i] = trips[name, i]; c[i] = cpu[name, i]; p[i] = p50[name, i]
          rt[i] = t[i] / trips["off", i]; rc[i] = cpu["off", i] == 0 ? 0 : c[i] / cpu["off", i]
        }
        printf "  %-6s %10.0f round trips/s (%.2f of off)  %6.2f us broker CPU (%.2f)  p50 %.1f us\n", name,
          median(t, n[name]), median(rt, n[name]), median(c, n[name]), median(rc, n[name]), median(p, n[name])
      }
    }' "$folder/results"
}

echo "what it costs that requests are tracked"
for case in "" "--requesters 200 --responders 20" "--requesters 16 --window 64 --responders 4" \
  "--requesters 16 --window 64 --responders 4 --qos 1"; do
  : > "$folder/results"
  for ((round = 1; round <= rounds; round++)); do
    run off "$off_port" "$off_pid"
    run on "$on_port" "$on_pid"
    run inbox "$on_port" "$on_pid" --inbox
  done
  echo "${case:-one requester, one in flight}:"
  summarise
done
