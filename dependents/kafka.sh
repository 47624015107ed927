title="librdkafka (Kafka)"
packages=(librdkafka-dev libuv1)

setup() {
  build_example kafka -lrdkafka
}

version() {
  dpkg-query -W -f '${Version}\n' librdkafka-dev
}

run() {
  checked "$EXAMPLES/kafka"
}
