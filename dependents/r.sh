title="R with httpuv and fs"
packages=(r-base-core r-cran-httpuv r-cran-fs curl perl libuv1)

version() {
  dpkg-query -W -f '${Version}\n' r-cran-httpuv
}

fetch() {
  curl -sS --max-time 60 "$@"
}

requests() {
  echo "== requests"
  fetch 'http://127.0.0.1:8001/path?query=1' -H 'X-Test: header'
  fetch http://127.0.0.1:8001/post -d 'a body'
  fetch 'http://[::1]:8002/six'
  fetch --unix-socket socket http://localhost/unix
  fetch http://127.0.0.1:8001/echo --data-binary @static/large.txt | sha256sum
  fetch http://127.0.0.1:8001/echo -H 'Transfer-Encoding: chunked' --data-binary @static/large.txt | sha256sum
  fetch http://127.0.0.1:8001/later
  fetch http://127.0.0.1:8001/error -w '%{http_code}\n'
  fetch http://127.0.0.1:8001/refused -d 'not wanted' -w '%{http_code}\n'
  fetch -i http://127.0.0.1:8001/header | tr -d '\r' | grep -i '^HTTP\|^X-'
  echo "== files, from the server's own thread"
  fetch http://127.0.0.1:8001/static/
  fetch http://127.0.0.1:8001/static/sub/file.txt
  fetch http://127.0.0.1:8001/static/large.txt | sha256sum
  fetch http://127.0.0.1:8001/static/none -w '%{http_code}\n'
  fetch -I http://127.0.0.1:8001/static/large.txt | tr -d '\r' | grep -i '^HTTP\|^Content'
}

many_requests() {
  local i clients=()
  echo "== many at once"
  for i in {1..4}; do
    fetch "http://127.0.0.1:8001/number/[1-50]" >"answers.$i" &
    clients+=($!)
    fetch "http://127.0.0.1:8001/static/large.txt?[1-5]" >"files.$i" &
    clients+=($!)
  done
  for i in "${clients[@]}"; do wait "$i"; done
  cat answers.? | sort | sha256sum
  cat files.? | sha256sum
}

websocket() {
  perl -MIO::Socket::INET -e '
    my $socket = IO::Socket::INET->new("127.0.0.1:8001") or die;
    $socket->autoflush;
    print $socket "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    while ((my $line = <$socket>) =~ /\S/) { print $line =~ s/\r//r if $line =~ /^HTTP|Accept/ }
    for my $text ("hello", "x" x 100, "y" x 70000, "close") {
      # A masked frame with one fragment and a mask of zero.
      my $length = length $text;
      print $socket pack("C", 0x81), $length < 126 ? pack("C", 0x80 | $length) : pack("CQ>", 0xff, $length),
        "\0\0\0\0", $text;
      read $socket, my $head, 2;
      my ($first, $size) = unpack "CC", $head;
      if ($size == 126) { read $socket, $size, 2; $size = unpack "n", $size }
      elsif ($size == 127) { read $socket, $size, 8; $size = unpack "Q>", $size }
      read $socket, my $answer, $size;
      printf "%x %d %s\n", $first, $size, $first == 0x81 ? substr $answer, 0, 10 : "";
    }'
}

run() {
  # By default R puts its own directories before LD_LIBRARY_PATH.
  export HOME=$PWD TMPDIR=$PWD R_LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$(R RHOME)/lib
  local server
  echo "== fs"
  Rscript --vanilla "$TOP/dependents/r-fs.R"
  mkdir -p static/sub
  seq 100000 >static/large.txt
  echo '<p>hello' >static/index.html
  echo 'deeper' >static/sub/file.txt
  Rscript --vanilla "$TOP/dependents/r-httpuv.R" >server.log 2>&1 &
  server=$!
  wait_for fetch http://127.0.0.1:8001/
  maps "$server"

  requests
  many_requests
  echo "== a WebSocket"
  websocket
  fetch http://127.0.0.1:8001/stop
  wait "$server"
  echo "ended: $?"
}
