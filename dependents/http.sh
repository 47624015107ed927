title="http_parser (HTTP server and clients)"
packages=(libhttp-parser-dev apache2-utils curl python3 libuv1)

setup() {
  build_example http_server -lhttp_parser
  build_example http_load -lhttp_parser
}

version() {
  dpkg-query -W -f '${Version}\n' libhttp-parser-dev
}

# Clients that send slowly, wrongly, or do not read.
unusual_clients() {
  python3 - <<'PYTHON'
import socket
import threading


def connect():
    return socket.create_connection(("127.0.0.1", 8080))


def answers(connection):
    connection.shutdown(socket.SHUT_WR)
    return b"".join(iter(lambda: connection.recv(65536), b""))


# Requests sent byte by byte; the last one ends the connection.
with connect() as connection:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in (
        b"GET / HTTP/1.1\r\n\r\n"
        b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        b"PUT / HTTP/1.0\r\n\r\n"
    ):
        connection.send(bytes([byte]))
    print(answers(connection).decode())

# Not a request, and a request that is too long.
for request in b"no request\r\n\r\n", b"GET /" + 300 * b"x" + b" HTTP/1.1\r\n\r\n":
    with connect() as connection:
        connection.sendall(request)
        print(answers(connection).decode())

# While a client does not read, the server stops reading too. Then all data
# arrives.
body = bytes(range(256)) * 1000
request = b"POST /echo HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
pending = 400 * request
with connect() as connection:
    connection.setblocking(False)
    sent = 0
    try:
        while sent < len(pending):
            sent += connection.send(pending[sent : sent + 65536])
    except BlockingIOError:
        print("the server waits")
    connection.setblocking(True)
    sender = threading.Thread(target=connection.sendall, args=[pending[sent:]])
    sender.start()
    stream = connection.makefile("rb")
    for _ in range(400):
        while stream.readline() != b"\r\n":
            pass
        assert stream.read(len(body)) == body
    sender.join()
    print("400 bodies came back")
PYTHON
}

run() {
  local server url=http://127.0.0.1:8080
  "$EXAMPLES/http_server" >served &
  server=$!
  wait_for curl -s $url
  maps $server

  # Our own clients, each on a persistent connection.
  checked "$EXAMPLES/http_load" 8080 500 100
  ab -q -k -c 300 -n 30000 $url/ |
    grep -E '^(Complete|Failed|Keep-Alive|Non-2xx) '
  seq 100000 | curl -s -T - -X POST $url/echo | sha256sum
  curl -s -i $url/elsewhere
  unusual_clients
  kill -TERM $server
  wait $server
  # The number of requests of wait_for varies.
  sed 's/^[0-9]* requests on [0-9]* connections$/it ended/' served
}
