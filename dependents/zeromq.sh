title="0MQ"
packages=(libzmq3-dev libuv1)

setup() {
  build_example zeromq -lzmq
}

version() {
  dpkg-query -W -f '${Version}\n' libzmq3-dev
}

run() {
  local i
  for i in {1..10}; do
    checked "$EXAMPLES/zeromq"
  done
}
