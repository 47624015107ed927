#!/bin/bash
# Builds the library and the reference for another target, and runs the C tests on both:
#   scripts/other-target.sh aarch64|musl [argument of oxuv-tests ...]
#   aarch64   aarch64-unknown-linux-gnu, under qemu's user-mode emulation
#   musl      x86_64-unknown-linux-musl; the shared library, and a static program
# A test that fails on both libraries, or in an assertion of the emulator, is one that cannot run there; it
# is counted as skipped, as are with musl the tests in C++, for which Debian has no compiler, and those of
# RTLD_DEEPBIND. As root on Debian the script installs compilers and the emulator; rustup provides the
# target's standard library.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1-} in
  aarch64)
    target=aarch64-unknown-linux-gnu
    export CC=aarch64-linux-gnu-gcc CXX=aarch64-linux-gnu-g++
    export OXUV_EMULATOR="qemu-aarch64 -L /usr/aarch64-linux-gnu"
    packages=(gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user)
    timeout=120
    ;;
  musl)
    target=x86_64-unknown-linux-musl
    export CC=musl-gcc CXX=musl-gcc
    packages=(musl-tools)
    timeout=30 # a test waits for itself with musl
    ;;
  *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
esac
name=$1
shift

scripts/setup.sh cargo cmake ninja-build "${packages[@]}"
if [ ! -d "$(rustc --print target-libdir --target $target)" ] &&
  ! { command -v rustup && rustup target add $target; } >/dev/null 2>&1; then
  echo "SKIPPED: Rust's standard library for $target is missing"
  echo "0 passed, 0 failed, 1 skipped"
  exit
fi

out=$PWD/target/$target
linker=CARGO_TARGET_$(tr a-z- A-Z_ <<<$target)_LINKER
flags=-Crelro-level=partial
if [ $name = musl ]; then
  # By default, std for musl is for static programs. It names libgcc_s, which nothing here needs and Debian
  # does not have for musl.
  mkdir -p "$out/empty"
  musl-gcc -shared -nostdlib -o "$out/empty/libgcc_s.so" -x c /dev/null
  flags+=" -Ctarget-feature=-crt-static -L$out/empty"
  # musl-gcc leaves out the kernel's headers.
  mkdir -p "$out/kernel"
  ln -sfn /usr/include/{linux,asm-generic,"$(uname -m)-linux-gnu/asm"} "$out/kernel"
  export CFLAGS="-idirafter $out/kernel"
fi
env "$linker=$CC" RUSTFLAGS="$flags" cargo build -q --release --locked --lib --target $target
mkdir -p "$out/lib" "$out/reference"
ln -sfn ../release/libuv.so "$out/lib/libuv.so.1"

manifest=$(cargo metadata --format-version 1 --locked | grep -o '[^"]*libuv-sys2-1.53.1/Cargo.toml' | head -1)
cmake -S "$(dirname "$manifest")/libuv" -B "$out/reference/build" -G Ninja \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=${target%%-*} -DCMAKE_C_COMPILER=$CC \
  -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF >"$out/reference/configure.log"
cmake --build "$out/reference/build" --target uv >"$out/reference/build.log" ||
  { tail "$out/reference/build.log" && exit 1; }
ln -sfn build/libuv.so.1 "$out/reference/libuv.so.1"

export OXUV_LINKED=$out/reference/libuv.so.1 OXUV_C_TESTS=$out/c-tests
export OXUV_TEST_TIMEOUT=${OXUV_TEST_TIMEOUT-$timeout}

# failing LIBRARY [ARGUMENT...]: runs tests, all without names, and prints the names of those that fail.
failing() {
  c-tests/run.sh "$out/$1" "${@:2}" >"$out/$1.log" 2>&1 || true
  sed -n 's/^FAILED \([^ :]*\):.*/\1/p' "$out/$1.log"
}

failing lib "$@" >"$out/failed"
cp "$out/lib.log" "$out/first.log"
if ! read -r passed _ failed _ skipped _ < <(grep -aE '^[0-9]+ passed, ' "$out/first.log" | tr -d ,); then
  tail "$out/first.log"
  exit 1
fi
sed -n 's/^NOT BUILT:/SKIPPED: not built:/p' "$out/first.log"
if [ "$failed" != 0 ]; then
  # A test that passes at the second attempt has met a time limit.
  failing lib --jobs 1 $(cat "$out/failed") >"$out/again"
  cp "$out/lib.log" "$out/again.log"
  : >"$out/both"
  [ ! -s "$out/again" ] || failing reference --jobs 1 $(cat "$out/again") >"$out/both"
  passed=$((passed + failed - $(wc -l <"$out/again")))
  skipped=$((skipped + $(wc -l <"$out/both")))
  sed 's/^/SKIPPED: fails on libuv, too: /' "$out/both"
  # qemu ends a process that forks while it has threads, if the child starts one.
  awk '/^FAILED / { name = $2 } /^ *ERROR:.*(plugins\/core|tcg\/cpu-exec)\.c/ { print name }' "$out/again.log" |
    tr -d : | sort -u | comm -23 - <(sort "$out/both") >"$out/emulator"
  sed 's/^/SKIPPED: the emulator ends: /' "$out/emulator"
  skipped=$((skipped + $(wc -l <"$out/emulator")))
  failed=$(sort "$out/both" "$out/emulator" | comm -23 <(sort "$out/again") - | tee "$out/ours" | wc -l)
  sed 's/^/FAILED: /' "$out/ours"
fi

if [ $name = musl ]; then
  # A static program, without the dynamic linker.
  musl-gcc -static -Iinclude -o "$out/static_timers" examples/timers.c "$out/release/libuv.a"
  if "$out/static_timers"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
