title="50,000 TCP connections on one loop (examples/many_clients.c)"
packages=(libuv1)
other=reference

# Fewer if the hard limit of descriptors is lower and cannot be raised.
connections=50000
ulimit -n 50064 2>/dev/null || connections=$(($(ulimit -Hn) - 64))

setup() {
  build_example many_clients
}

version() {
  echo "$connections connections"
}

# The figures vary, so they are not compared; they are in `errors`.
run() {
  checked "$EXAMPLES/many_clients" $connections 3 >report
  cat report >&2
  grep -E '^(connections|answers) ' report
}
