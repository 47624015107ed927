title="c-ares"
packages=(libc-ares-dev python3 iproute2)

setup() {
  build_example cares -lcares
}

version() {
  dpkg-query -W -f '${Version}\n' libc-ares-dev
}

# A name server: hostN.test has N % 50 + 1 addresses; if they do not fit into a
# datagram, c-ares asks again over TCP. The first question for a "lost" name gets
# no reply. Other names do not exist.
serve() {
  exec python3 - <<'PYTHON'
import socketserver, struct, threading

forgotten = set()


def answer(question, room):
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    end = at + 5
    name = labels[0]
    if name.startswith("lost") and name not in forgotten:
        forgotten.add(name)
        return None
    number = name.removeprefix("lost").removeprefix("host")
    count = int(number) % 50 + 1 if number.isdigit() else 0
    records = b"".join(
        bytes.fromhex("c00c 0001 0001 0000003c 0004") + bytes([10, 0, int(number), i])
        for i in range(count)
    )
    flags = 0x8180 if count else 0x8183
    if end + len(records) > room:
        flags, count, records = flags | 0x0200, 0, b""
    head = struct.pack("!HHHHHH", *struct.unpack("!H", question[:2]), flags, 1, count, 0, 0)
    return head + question[12:end] + records


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        message, socket = self.request
        if reply := answer(message, 512):
            socket.sendto(reply, self.client_address)


class Stream(socketserver.StreamRequestHandler):
    def handle(self):
        while size := self.rfile.read(2):
            reply = answer(self.rfile.read(int.from_bytes(size, "big")), 65535)
            self.wfile.write(len(reply).to_bytes(2, "big") + reply)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


tcp = Server(("127.0.0.1", 5300), Stream)
threading.Thread(target=tcp.serve_forever, daemon=True).start()
socketserver.UDPServer(("127.0.0.1", 5300), Datagram).serve_forever()
PYTHON
}

run() {
  local server
  serve &
  server=$!
  wait_for eval '[ -n "$(ss -Hlun sport = :5300)" ]'
  checked "$EXAMPLES/cares" 127.0.0.1:5300 host{0..199}.test
  checked "$EXAMPLES/cares" 127.0.0.1:5300 lost{1,2,3}.test
  checked "$EXAMPLES/cares" 127.0.0.1:5300 unknown.test || echo failed
  # No server listens there.
  checked "$EXAMPLES/cares" 127.0.0.1:5301 host1.test || echo failed
  kill $server
}
