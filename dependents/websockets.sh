title="libwebsockets"
packages=(gcc libc6-dev libwebsockets-dev libwebsockets-evlib-uv libuv1-dev)

setup() {
  cc -O1 -g -Wall -o "$WORK/websockets/echo" dependents/websockets/echo.c -lwebsockets -luv
}

version() {
  dpkg-query -W -f '${Version}\n' libwebsockets-evlib-uv
}

run() {
  checked "$WORK/websockets/echo"
}
