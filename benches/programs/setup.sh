#!/bin/bash
# What run.py runs: Debian's Node.js (unpacked by dependents/), wrk, and uvloop,
# built to use whichever libuv.so.1 is found, with rloop beside it. As root the
# missing Debian packages are installed, otherwise they are named.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
command -v wrk >/dev/null || missing+=(wrk)
command -v cc >/dev/null || missing+=(gcc)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
python3 -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
  missing+=(python3-dev)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "These Debian packages are missing: ${missing[*]}" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    "${missing[@]}"
fi

dependents/run.sh --setup node

venv=build/bench/venv
if ! "$venv/bin/python" -c 'import uvloop, rloop' 2>/dev/null; then
  python3 -m venv "$venv"
  # The packages of uvloop on PyPI have a libuv inside.
  printf '[build_ext]\nuse_system_libuv = 1\n' >"$venv/uvloop.cfg"
  DIST_EXTRA_CONFIG=$PWD/$venv/uvloop.cfg CPATH=$PWD/target/reference/include \
    LIBRARY_PATH=$PWD/target/reference/build \
    "$venv/bin/pip" install -q --no-binary uvloop uvloop==0.22.1 rloop==0.5.0
fi
