title="h2o"
packages=(gcc libc6-dev libh2o-dev libuv1-dev libssl-dev curl nghttp2-client)

setup() {
  cc -O1 -g -w -o "$WORK/h2o/server" dependents/h2o/server.c -lh2o -luv -lssl -lcrypto
}

version() {
  dpkg-query -W -f '${Version}\n' libh2o0.13
}

# get CURL-ARGUMENT...: prints a checksum of the answer.
get() {
  curl -s "$@" | sha256sum
}

run() {
  local server url=http://127.0.0.1:8080
  mkdir files
  seq 200000 >files/large
  seq 10 >files/small
  "$WORK/h2o/server" 8080 >log &
  server=$!
  wait_for curl -sf $url/small
  maps $server

  get $url/small
  get $url/large
  get --http2-prior-knowledge $url/large
  get --data-binary @files/large $url/echo
  get --http2-prior-knowledge --data-binary @files/small $url/echo
  get -r 1000-2000 $url/large
  curl -s -o missing -w '%{http_code}\n' $url/missing
  # Slower than the server sends.
  get --limit-rate 4M $url/large
  h2load -n 5000 -c 50 -m 10 $url/small | grep -E '^(requests|status codes)'
  h2load --h1 -n 5000 -c 50 $url/small | grep -E '^(requests|status codes)'
  kill $server
  wait $server
  cat log
}
