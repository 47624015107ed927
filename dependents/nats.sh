title="NATS"
packages=(libnats-dev nats-server iproute2)

setup() {
  build_example nats -lnats
}

version() {
  dpkg-query -W -f '${Version}, ' libnats-dev
  dpkg-query -W -f 'server ${Version}\n' nats-server
}

start_server() {
  nats-server --addr 127.0.0.1 --port 4222 >&2 &
  server=$!
  wait_for eval '[ -n "$(ss -Hltn sport = :4222)" ]'
}

run() {
  local client round
  start_server
  checked "$EXAMPLES/nats" 4222

  # The server is restarted.
  "$EXAMPLES/nats" 4222 wait >log &
  client=$!
  wait_for grep waiting log
  maps $client
  kill -KILL $server
  wait_for eval '[ -z "$(ss -Hltn sport = :4222)" ]'
  start_server
  wait $client
  cat log
  kill $server
}
