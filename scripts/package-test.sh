#!/bin/bash
# Checks the packages in build/deb: a build in another folder, on another day, with another home, locale, time zone and
# mask gives the same bytes; nothing in them names the builder's folders; the library is hardened. A minute.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo_home=${CARGO_HOME:-$HOME/.cargo}
work=$(mktemp -d)
copy="$work/another folder"
trap 'rm -rf "$work"' EXIT
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

# ---- the second build ----

# Programs that are started with it are 40 days ahead.
tomorrow() {
  cat >"$work/tomorrow.c" <<'C'
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec* now) {
  int result = syscall(SYS_clock_gettime, clock, now);
  if (clock == CLOCK_REALTIME) now->tv_sec += 40 * 86400;
  return result;
}

time_t time(time_t* result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval* restrict result, void* restrict zone) {
  struct timespec now;
  (void) zone;
  clock_gettime(CLOCK_REALTIME, &now);
  result->tv_sec = now.tv_sec;
  result->tv_usec = now.tv_nsec / 1000;
  return 0;
}
C
  cc -shared -fPIC -O -o "$work/tomorrow.so" "$work/tomorrow.c"
}

build_again() {
  mkdir "$copy" "$work/cargo"
  tar c --exclude=./target --exclude=./build --exclude=./.git . | tar xm -C "$copy"
  cp -al "$cargo_home/registry" "$work/cargo/" 2>/dev/null || cp -a "$cargo_home/registry" "$work/cargo/"
  (
    cd "$copy"
    umask 077
    export RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
    HOME=$work CARGO_HOME=$work/cargo PATH=$PATH:$cargo_home/bin TZ=Asia/Tokyo LC_ALL=C LD_PRELOAD=$work/tomorrow.so \
      debian/rules binary >"$work/log" 2>&1
  ) || { tail -20 "$work/log"; return 1; }
}

# ---- the library ----

unpack() {
  local deb
  mkdir "$work/root"
  for deb in build/deb/*.deb; do
    dpkg-deb -x "$deb" "$work/root"
  done
  find "$work/root" -name '*.debug' -exec objcopy --decompress-debug-sections {} \;
}

names_no_folder() {
  ! grep -rlaF -e "$PWD" -e "$cargo_home" -e "${RUSTUP_HOME:-$HOME/.rustup}" "$work/root"
}

has() { readelf -lWd "$library" | grep -qE "$1"; }
lacks() { ! has "$1"; }

# Rust probes each page of a large frame; a larger step could jump over the guard page.
probes_the_stack() {
  local steps
  steps=$(objdump -d --no-show-raw-insn "$library" | grep -A1 -E 'sub +\$0x[0-9a-f]{4,8},%rsp' | sed 's/.*:\s*//')
  [ "$(sort -u <<<"$steps" | tr -s '\n ' ' ')" = '-- movq $0x0,(%rsp) sub $0x1000,%rsp ' ]
}

unpack
tomorrow
check "the clock of the second build is ahead" \
  test "$(LD_PRELOAD=$work/tomorrow.so date +%s)" -gt "$(date -d '+39 days' +%s)"
check "a second build succeeds" build_again
for deb in build/deb/*.deb; do
  check "${deb##*/} is the same" cmp "$deb" "$copy/$deb"
done
check "nothing names the builder's folders" names_no_folder

library=$(echo "$work"/root/usr/lib/*/libuv.so.1.0.0)
check "functions are bound at load time" has 'FLAGS_1.*NOW'
check "the tables of addresses are read-only then" has GNU_RELRO
check "the stack is not executable" has 'GNU_STACK .* RW '
check "no segment can be written and executed" lacks 'LOAD .* (RWE|W.*E) '
check "the code needs no relocation" lacks TEXTREL
check "no directory is searched" lacks 'RPATH|RUNPATH'
if [ "$(uname -m)" = x86_64 ]; then
  check "large frames are probed" probes_the_stack
fi

echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
