#!/bin/bash
# Sets up the programs of run.py: Debian's Node.js (unpacked by dependents/), wrk,
# uvloop, built to use the libuv.so.1 that the loader finds, and rloop. As root it
# installs missing Debian packages, otherwise it names them.
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/setup.sh gcc libc6-dev python3 python3-venv python3-dev wrk
dependents/run.sh --setup node

venv=build/bench/venv
if ! "$venv/bin/python" -c 'import uvloop, rloop' 2>/dev/null; then
  python3 -m venv "$venv"
  # The packages of uvloop on PyPI contain a libuv.
  printf '[build_ext]\nuse_system_libuv = 1\n' >"$venv/uvloop.cfg"
  DIST_EXTRA_CONFIG=$PWD/$venv/uvloop.cfg CPATH=$PWD/target/reference/include \
    LIBRARY_PATH=$PWD/target/reference/build \
    "$venv/bin/pip" install -q --no-cache-dir --no-binary uvloop uvloop==0.22.1 rloop==0.5.0
fi
