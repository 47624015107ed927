title="libcurl"
packages=(libcurl4-openssl-dev curl python3 openssl)

setup() {
  build_example curl -lcurl
}

version() {
  dpkg-query -W -f '${Version}\n' libcurl4-openssl-dev
}

# serve PORT [KEY]: a site with files up to 2 MB and one that is truncated.
serve() {
  exec python3 - "$@" <<'PYTHON'
import http.server, ssl, sys, time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        number = self.path[1:]
        if number == "broken":  # less than announced
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
        elif not number.isdigit():
            self.send_error(404)
        elif int(number) % 10 == 9:
            self.send_response(302)
            self.send_header("Location", "/0")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for _ in range(int(number)):
                self.wfile.write(b"2710\r\n" + 10000 * b"x" + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
PYTHON
}

run() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout key -out certificate 2>/dev/null
  cat key certificate >both
  serve 8080 &
  serve 8443 both &
  wait_for curl -s http://127.0.0.1:8080/0
  wait_for curl -s --cacert certificate https://localhost:8443/0

  checked "$EXAMPLES/curl" http://127.0.0.1:8080/{0..100}
  # TLS; libcurl looks the name up in a thread.
  CURL_CA_BUNDLE=certificate checked "$EXAMPLES/curl" https://localhost:8443/{0..50}
  # Failures: no server listens, the server closes the connection, no such file.
  checked "$EXAMPLES/curl" http://127.0.0.1:{1/,8080/broken,8080/missing} || echo failed
  kill $(jobs -p)
}
