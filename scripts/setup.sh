#!/bin/bash
# Makes sure that the programs which the tests need are there, or only those of
# the packages that are named. As root on Debian the missing packages are
# installed, otherwise they are listed.
#   scripts/setup.sh [package ...]
set -euo pipefail

# "package: what shows that it is there"
needs=(
  "gcc: command -v cc"
  "libc6-dev: test -e /usr/include/stdio.h"
  "g++: command -v c++"
  "make: command -v make"
  "binutils: command -v readelf"
  "cmake: command -v cmake"
  "ninja-build: command -v ninja"
  "pkg-config: command -v pkg-config"
  "libuv1-dev: test -e /usr/include/uv.h"
  "util-linux: command -v unshare && command -v setpriv"
  "iproute2: command -v ip"
  "valgrind: command -v valgrind"
  "python3: command -v python3"
  "python3-venv: python3 -c 'import ensurepip, venv'"
)
# Asked for by name: what Debian packages, trying them, profiles and real programs need.
[ $# = 0 ] || needs+=(
  "debhelper: command -v dh"
  "mmdebstrap: command -v mmdebstrap"
  "mount: command -v mount"
  "linux-perf: command -v perf"
  "wrk: command -v wrk"
  "python3-dev: test -e \"\$(python3 -c 'import sysconfig; print(sysconfig.get_path(\"include\"))')/Python.h\""
)

missing=()
for need in "${needs[@]}"; do
  [ $# = 0 ] || [[ " $* " == *" ${need%%:*} "* ]] || continue
  bash -c "${need#*: }" >/dev/null 2>&1 || missing+=("${need%%:*}")
done

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "These Debian packages are missing: ${missing[*]}" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends "${missing[@]}"
fi

if ! command -v cargo >/dev/null; then
  echo "cargo is missing: install Rust 1.85 or later" >&2
  exit 1
fi
