title="hiredis (Redis PUB/SUB)"
packages=(libhiredis-dev redis-server redis-tools libuv1)

setup() {
  build_example redis_pubsub -lhiredis
  build_example redis_reconnect -lhiredis
}

version() {
  dpkg-query -W -f '${Version}, ' libhiredis-dev
  redis-server --version | sed -E 's/.* v=([^ ]*) .*/server \1/'
}

start_server() {
  redis-server --port 6379 --save '' --appendonly no >&2 &
  server=$!
  wait_for redis-cli ping
}

# publish MESSAGE...: returns when each message has reached the socket of the only
# subscriber.
publish() {
  printf 'publish news %s\n' "$@" | redis-cli | sort | uniq -c
}

run() {
  local client round
  start_server

  # 10,000 messages for three subscribers.
  checked "$EXAMPLES/redis_pubsub"

  # A subscriber that survives the end of its server, twice.
  "$EXAMPLES/redis_reconnect" >log &
  client=$!
  for round in 1 2 3; do
    wait_for eval "[ \$(grep -c ^subscribed log) = $round ]"
    maps $client
    publish $(seq 1000)
    [ $round = 3 ] && break
    wait_for eval '[ "$(redis-cli client list type pubsub | grep -c omem=0)" = 1 ]'
    kill -KILL $server
    wait_for eval "[ \$(grep -c ^disconnected log) = $round ]"
    start_server
  done
  publish quit
  wait $client
  cat log
  kill $server
}
