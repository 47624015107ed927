title="50,000 TCP connections on one loop (examples/many_clients.c)"
packages=(libuv1)
other=reference

# Fewer where the hard limit of descriptors is lower and cannot be raised.
connections=50000
ulimit -n 50064 2>/dev/null || connections=$(($(ulimit -Hn) - 64))

setup() {
  build_example many_clients
}

version() {
  echo "$connections connections"
}

# What took how long and how much is for a person to read, in `errors`.
run() {
  checked "$EXAMPLES/many_clients" $connections 3 >report
  cat report >&2
  grep -E '^(connections|answers) ' report
}
