#!/usr/bin/env bash
# Runs each pair of example programs against a broker and compares what the requester writes.
#   run.sh TOOL FOLDER_OF_PROGRAMS
set -euo pipefail
tool=$1
programs=$2
cd "$(dirname "$0")/../.."

broker_pid=
responder_pid=

stop() { # PID
  [ -z "$1" ] || { kill "$1" 2> /dev/null && wait "$1" 2> /dev/null; } || true
}
trap 'stop "$responder_pid"; stop "$broker_pid"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# Reads from descriptor $1 until a line matches $2.
await() {
  while IFS= read -r -t 30 -u "$1" line; do
    [[ $line =~ $2 ]] && return
  done
  fail "no line like $2"
}

start_broker() {
  exec 3< <(exec "$tool" broker --listen mqtt://127.0.0.1:0 2>&1)
  broker_pid=$!
  await 3 'event=ready.* listen=([^ ]+)'
  export WILCO_URL=${BASH_REMATCH[1]}
}

start_responder() { # PROGRAM [ARGUMENT]...
  exec 4< <(exec "$programs/$1" "${@:2}")
  responder_pid=$!
  await 4 '^ready$'
}

stop_responder() {
  stop "$responder_pid"
  responder_pid=
  exec 4<&-
}

# expect EXIT_CODE OUTPUT PROGRAM [ARGUMENT]...: what it writes to both streams.
expect() {
  local code=0 output
  output=$("$programs/$3" "${@:4}" 2>&1) || code=$?
  [ "$code" -eq "$1" ] || fail "${*:3}: exit code $code, not $1: $output"
  [ "$output" = "$2" ] || fail "${*:3}: wrote: $output; not: $2"
  echo "ok: ${*:3}"
}

start_broker

start_responder light
expect 0 "acknowledged: on" light_switch on
await 4 '^the light is on$'
expect 0 "acknowledged: off" light_switch off
await 4 '^the light is off$'
expect 1 "light_switch: a light can be on or off" light_switch dim
stop_responder
expect 1 "light_switch: no responder" light_switch on

start_responder weather_service
expect 0 'oslo: {"degrees":-3,"sky":"snow"} (application/json)' weather oslo
expect 1 "weather: weather/atlantis: the responder answered with an error: 400: no such city" weather atlantis
stop_responder

start_responder adder
expect 0 $'1 2: 3\n-1.5 1: -0.5\n20 22: 42' add "1 2" "-1.5 1" "20 22"
expect 1 "one two: the responder answered with an error" add "one two"
for loop in loop_poll loop_uv loop_event; do # the last two where their libraries are
  if [ -x "$programs/$loop" ]; then
    expect 0 42 $loop "20 22"
    expect 1 "the responder answered with an error" $loop "one two"
  fi
done
stop_responder

start_responder device examples/device1.json
expect 0 "$(cat examples/device1.json)" get_config
stop_responder
