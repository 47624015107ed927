#!/bin/bash
# Tests the packages in build/deb on a new Debian of this release with Node.js and
# Neovim: installs them in place of libuv1, runs both programs, and installs
# libuv1 again. Needs root. The Debian is on a tmpfs, in a mount namespace that
# ends with this script.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD/build/deb-root

if [ "${1-}" != --inside ]; then
  mkdir -p "$root"
  exec unshare --mount --pid --fork --kill-child --mount-proc "$0" --inside
fi

passed=0 failed=0

# check WHAT COMMAND...
check() {
  if "${@:2}"; then
    echo "ok: $1"
    passed=$((passed + 1))
  else
    echo "FAILED: $1"
    failed=$((failed + 1))
  fi
}

inside() {
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    DEBIAN_FRONTEND=noninteractive "$@"
}

apt() {
  inside apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends "$@" \
    >build/deb/apt.log 2>&1 || { cat build/deb/apt.log; return 1; }
}

# Prints the version of libuv that each program reports, its result, and the file
# that it has mapped.
use_node() {
  inside node -e '
    const http = require("http"), fs = require("fs");
    const server = http.createServer((request, response) =>
      fs.readFile("/etc/debian_version", (error, data) => response.end(data)));
    server.listen(0, "127.0.0.1", () => {
      http.get({ host: "127.0.0.1", port: server.address().port }, (response) => {
        response.setEncoding("utf8").on("data", (data) => process.stdout.write(data));
        response.on("end", () => server.close());
      });
    });
    server.on("close", () => {
      const maps = fs.readFileSync("/proc/self/maps", "utf8");
      console.log(process.versions.uv, ...new Set(maps.match(/\/.*libuv.*/g)));
    });'
}

use_nvim() {
  inside nvim --headless -u NONE -i NONE -c 'lua
    local uv, done = vim.loop, false
    local out = uv.new_pipe()
    uv.spawn("cat", { args = { "/etc/debian_version" }, stdio = { nil, out } }, function() end)
    out:read_start(function(_, data)
      if data then io.write(data) else done = true end
    end)
    assert(vim.wait(30000, function() return done end))
    local files = {}
    for line in io.lines("/proc/self/maps") do
      local file = line:match("/.*libuv%.so.*")
      if file then files[file] = true end
    end
    print(uv.version_string(), unpack(vim.tbl_keys(files)))' -c 'quit!' 2>&1
}

# expect PACKAGE VERSION: checks the installed package, and that both programs run
# on it.
library=/usr/lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)/libuv.so.1.0.0
expect() {
  local want program got
  check "nothing is broken or missing" apt check
  check "the library is of $1" test "$(inside dpkg -S $library)" = "$1: $library"
  want="$debian_version
$2 $library"
  for program in node nvim; do
    got=$(use_$program | tr -d '\r' | tr '\t' ' ') || true
    check "$program: $(tail -1 <<<"$got")" test "$got" = "$want"
  done
}

installed() {
  [ "$(inside dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing() {
  ! installed "$1"
}

# Uses this machine's compiler with the headers and libraries of the new Debian.
build_consumer() {
  local pc
  pc=$(PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$(dirname "$root$library")/pkgconfig \
    pkg-config --cflags --libs libuv)
  cc c-tests/consumers/consumer.c $pc -o "$root/consumer"
}

mount -t tmpfs -o mode=755 oxuv-deb-test "$root"
mmdebstrap --quiet --variant=apt --skip=cleanup/apt --include=nodejs,neovim \
  "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" http://deb.debian.org/debian
mount -t proc proc "$root/proc"
debian_version=$(cat "$root/etc/debian_version")
libuv1=$(inside dpkg-query -W -f '${Version}' libuv1)

echo "== with libuv1"
expect libuv1:amd64 "${libuv1%%-*}"

echo "== with oxuv in its place"
cp build/deb/oxuv_*.deb "$root/oxuv.deb"
cp build/deb/oxuv-dev_*.deb "$root/oxuv-dev.deb"
check "oxuv and oxuv-dev are installed" apt install /oxuv.deb /oxuv-dev.deb
for package in nodejs neovim oxuv oxuv-dev; do
  check "$package is there" installed $package
done
check "libuv1 is gone" missing libuv1
expect oxuv:amd64 1.53.0
check "a program can be built on it" build_consumer
check "the program runs" inside /consumer

echo "== the program oxuv"
cp build/deb/oxuv-tools_*.deb "$root/oxuv-tools.deb"
check "oxuv-tools is installed" apt install /oxuv-tools.deb
for page in oxuv oxuv-why oxuv-slow; do
  check "it has the manual page $page" test -s "$root/usr/share/man/man1/$page.1.gz"
done
check "bash completes it" inside bash -c '. /usr/share/bash-completion/completions/oxuv &&
  complete -p oxuv >/dev/null'
check "oxuv answers questions about node" inside sh -c '
  oxuv run -- node -e "setTimeout(() => {}, 3600000); console.log(process.pid)" >/pid &
  until [ -s /pid ]; do sleep 0.1; done
  oxuv ps | grep -q "$(cat /pid)" && oxuv why "$(cat /pid)" | grep "timer .*due in"
  status=$?; kill "$(cat /pid)"; exit $status'
check "oxuv check runs node without a report" inside oxuv check -- node -e 'require("fs").readFileSync("/proc/self/maps", "utf8")
  .includes("/usr/lib/oxuv/check/libuv.so.1") || process.exit(1)'
check "oxuv-tools is removed" apt remove oxuv-tools
check "nothing of oxuv-tools is left" test ! -e "$root/usr/lib/oxuv" -a ! -e "$root/usr/bin/oxuv"

echo "== with libuv1 again"
check "libuv1 is installed" apt install libuv1
for package in nodejs neovim; do
  check "$package is there" installed $package
done
for package in oxuv oxuv-dev; do
  check "$package is gone" missing $package
done
check "nothing of oxuv is left" test -z "$(cd "$root" && ls -d usr/include/uv* usr/lib/*/libuv*.a \
  usr/lib/*/libuv.so usr/lib/*/cmake/libuv usr/share/doc/oxuv* 2>/dev/null)"
expect libuv1:amd64 "${libuv1%%-*}"

echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
