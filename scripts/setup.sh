#!/bin/bash
# Checks for cargo and the programs that the tests need, or for cargo and the named
# packages only. Installs missing packages as root on Debian, otherwise lists them.
#   scripts/setup.sh [package ...]
set -euo pipefail

# Prints the packages with a recent enough cargo, if this Debian has any.
rust_packages() {
  [ -e /etc/os-release ] || return 0
  . /etc/os-release
  case $ID-${VERSION_ID-} in
    debian-12) echo cargo-web rustc-web ;;
    debian-1[3-9] | debian-) echo cargo rustc ;;
  esac
}

missing=()
rust=$(rust_packages)
wanted="Rust 1.85 or newer is needed"
[ -z "$rust" ] || wanted+=", which the Debian packages $rust have"
if command -v cargo >/dev/null; then
  version=$(cargo --version)
  if [[ $version =~ ^cargo\ 1\.([0-9]+)\. ]] && [ "${BASH_REMATCH[1]}" -lt 85 ]; then
    echo "$version is too old: $wanted" >&2
    exit 1
  fi
elif [ -n "$rust" ]; then
  missing+=($rust)
else
  echo "cargo is missing: $wanted" >&2
  exit 1
fi

# "package: test that it is installed"
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
  "mount: command -v mount"
  "valgrind: command -v valgrind"
  "python3: command -v python3"
  "python3-venv: python3 -c 'import ensurepip, venv'"
)
# Packages that are only checked by name: for Debian packages, their tests, other
# architectures, profiles and programs.
[ $# = 0 ] || needs+=(
  "debhelper: command -v dh"
  "mmdebstrap: command -v mmdebstrap"
  "gcc-aarch64-linux-gnu: command -v aarch64-linux-gnu-gcc"
  "g++-aarch64-linux-gnu: command -v aarch64-linux-gnu-g++"
  "qemu-user: command -v qemu-aarch64"
  "musl-tools: command -v musl-gcc"
  "linux-perf: command -v perf"
  "libjemalloc2: ldconfig -p | grep -q libjemalloc.so.2"
  "libtcmalloc-minimal4: ldconfig -p | grep -q libtcmalloc_minimal.so.4"
  "wrk: command -v wrk"
  "python3-dev: test -e \"\$(python3 -c 'import sysconfig; print(sysconfig.get_path(\"include\"))')/Python.h\""
)

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
