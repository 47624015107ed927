#!/bin/bash
# Builds a consumer project and checks which library its programs run on:
#   check.sh add_subdirectory SOURCE BUILD [option of cmake ...]
#   check.sh find_package|pkg-config PREFIX BUILD
#   check.sh layout PREFIX REFERENCE_PREFIX    compares the installed files
#   check.sh destdir BUILD ROOT                installs into ROOT for /usr
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kind=$1 from=$2 out=$3

fail() { echo "$*" >&2; exit 1; }

# expect PROGRAM RESULT: checks the program's output, and the library's path in it.
expect() {
  local output
  output=$("$out/$1") || fail "$1: exit code $?"
  echo "$1: $output"
  [ "$output" = "$2" ] || fail "$1: expected $2"
}

check_programs() {
  local library=$1
  expect shared "1.53.0 1.53.0 $(realpath "$library")"
  expect static "1.53.0 1.53.0 static"
  expect cxx "1.53.0"
}

# Lists the installed files except headers and licences.
installed() {
  (cd "$1" && find . -path '*/include' -prune -o -path '*/share' -prune -o \
    ! -type d ! -name 'libuvConfig-*.cmake' -printf '%p -> %l\n' | LC_ALL=C sort)
}

case $kind in
  add_subdirectory)
    rm -rf "$out"
    cmake -S "$here/$kind" -B "$out" -DLIBUV_SOURCE_DIR="$from" \
      "${@:4}" >/dev/null
    cmake --build "$out"
    check_programs "$out/libuv/lib/libuv.so.1"
    ;;
  find_package)
    rm -rf "$out"
    cmake -S "$here/$kind" -B "$out" -DCMAKE_PREFIX_PATH="$from" >/dev/null
    cmake --build "$out"
    check_programs "$from"/lib*/libuv.so.1
    ;;
  pkg-config)
    rm -rf "$out"
    mkdir -p "$out"
    # The prefix in the file is that of the configuration, not of --prefix.
    export PKG_CONFIG_PATH="$from/lib/pkgconfig"
    make -C "$here/$kind" OUT="$out" \
      PKG_CONFIG="pkg-config --define-variable=libdir=$from/lib \
                  --define-variable=includedir=$from/include"
    [ "$(pkg-config --modversion libuv libuv-static | uniq)" = 1.53.0 ] ||
      fail "pkg-config --modversion: not 1.53.0"
    export LD_LIBRARY_PATH=$from/lib
    check_programs "$from/lib/libuv.so.1"
    ;;
  layout)
    diff <(installed "$out") <(installed "$from") ||
      fail "< the reference installs, > oxuv installs"
    for header in uv.h uv/{errno,linux,threadpool,unix,version}.h; do
      [ -f "$from/include/$header" ] || fail "include/$header is not installed"
    done
    readelf -d "$from/lib/libuv.so.1" | grep -q 'SONAME.*\[libuv.so.1\]' ||
      fail "the soname is not libuv.so.1"
    ! readelf -S "$from/lib/libuv.so.1" | grep -q '\.symtab\|\.debug' ||
      fail "the installed library is not stripped"
    ! nm --extern-only --defined-only "$from/lib/libuv.a" | grep ' [A-Z] ' | grep -v ' uv_\| oxuv_' ||
      fail "the symbols above are global in libuv.a"
    ;;
  destdir)
    rm -rf "$out"
    DESTDIR=$out cmake --install "$from" --prefix /usr >/dev/null
    [ "$(ls "$out")" = usr ] || fail "installed outside of DESTDIR/usr"
    grep -rl "$out" "$out/usr" --include='*.cmake' --include='*.pc' &&
      fail "DESTDIR is written into the files above"
    cmake -S "$here/find_package" -B "$out-consumer" \
      -DCMAKE_PREFIX_PATH="$out/usr" >/dev/null
    cmake --build "$out-consumer"
    "$out-consumer/shared"
    ;;
  *)
    fail "unknown: $kind"
    ;;
esac
