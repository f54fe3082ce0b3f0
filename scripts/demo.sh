#!/usr/bin/env bash
# One request and its answer, step by step, and what it looks like when nobody is there to answer.
#   demo.sh TOOL
set -euo pipefail
tool=$(realpath "${1:-build/wilco}")
cd "$(dirname "$0")/.."

config=examples/device1.json
request_topic=requests/device1/getConfig
response_topic=responses/device1/getConfig
correlation='{ "requestId": "abcdef12345" }'
bold='' dim='' plain=''
if [ -t 1 ]; then
  bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi

broker_pid=
device_pid=
requester_pid=

stop() { # PID
  [ -z "$1" ] || { kill "$1" 2> /dev/null && wait "$1" 2> /dev/null; } || true
}
trap 'stop "$requester_pid"; stop "$device_pid"; stop "$broker_pid"' EXIT

fail() {
  echo "demo: $*" >&2
  exit 1
}

title() {
  printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# Reads from descriptor $1 until a line matches $2.
await() {
  local line last=
  while IFS= read -r -t 30 -u "$1" line; do
    [[ $line =~ $2 ]] && return
    last=$line
  done
  fail "waited in vain for: $2${last:+; the last line was: $last}"
}

# A message as the tool shows it: from the line $2 to the next empty line.
show() { # DESCRIPTOR TITLE
  await "$1" "^$2\$"
  while IFS= read -r -t 30 -u "$1" line && [ -n "$line" ]; do
    printf '%s\n' "$line"
  done
}

# Says which command runs, and runs it; its exit code is left in $code.
run() {
  local word line='$ wilco'
  for word in "$@"; do
    [[ $word =~ ^[a-zA-Z0-9/-]+$ ]] || word="'$word'"
    line+=" $word"
  done
  printf '%s%s%s\n' "$dim" "$line" "$plain"
  code=0
  "$tool" "$@" 2>&1 || code=$?
}

title "The broker"
exec 3< <(exec "$tool" broker --listen mqtt://127.0.0.1:0 2>&1)
broker_pid=$!
await 3 'event=ready.* listen=([^ ]+)'
export WILCO_URL=${BASH_REMATCH[1]}
echo "    is ready at $WILCO_URL"

title "The device"
exec 4< <(exec "$tool" respond "$request_topic" --reply-file "$config" \
  --content-type application/json --show 2>&1)
device_pid=$!
await 4 'ready: '
echo "    serves $request_topic from $config"

title "1. The requester subscribes to its response topic, and the broker confirms it (SUBACK)"
exec 5< <(exec "$tool" sub --count 1 --qos 1 --debug --show "$response_topic" 2>&1 > /dev/null)
requester_pid=$!
await 5 'subscribed to '
echo "    topic             $response_topic"

title "2. It publishes the request"
"$tool" pub --qos 1 --show --response-topic "$response_topic" --correlation "$correlation" \
  "$request_topic" '{}' 2>&1 | sed -n '/^    /p'

title "3. The device receives it, reads its configuration, and publishes the response"
show 4 request
echo "  ${dim}its response:${plain}"
show 4 response

title "4. The requester receives the response, and knows it by the correlation data"
answer=$(show 5 message)
echo "$answer"
[[ $answer == *"correlation data  $correlation"* ]] || fail "the correlation data are not the request's"
requester_pid=

title "All of this in one command"
run request "$request_topic" '{}' --response-topic "$response_topic" --correlation "$correlation"
[ "$code" -eq 0 ] || fail "the request failed with exit code $code"

title "The device is gone, and the same request fails at once"
stop "$device_pid"
device_pid=
run request "$request_topic" '{}' --response-topic "$response_topic" --correlation "$correlation"
echo "    exit code $code"
[ "$code" -eq 16 ] || fail "the exit code should have been 16"
