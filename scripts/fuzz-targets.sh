#!/bin/bash
# Runs the fuzz targets in fuzz/, each for some time:
#   scripts/fuzz-targets.sh [--seconds N] [TARGET...]
# Inputs that reach new code are kept in build/fuzz, those that fail in fuzz/artifacts. Needs a nightly toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PWD/build/tools/bin:$PATH

seconds=60
if [ "${1-}" = --seconds ]; then
  seconds=$2
  shift 2
fi
if [ $# -gt 0 ]; then targets=("$@"); else mapfile -t targets < <(cargo +nightly fuzz list); fi

cargo +nightly fuzz build
passed=0 failed=0
for target in "${targets[@]}"; do
  mkdir -p "build/fuzz/$target"
  status=0
  cargo +nightly fuzz run "$target" "build/fuzz/$target" "fuzz/corpus/$target" -- -max_total_time="$seconds" \
    -max_len=8192 -timeout=20 -print_final_stats=1 >"build/fuzz/$target.log" 2>&1 || status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$target.log")
  if [ $status = 0 ]; then
    echo "ok $target: $runs runs"
    passed=$((passed + 1))
  else
    echo "FAILED: $target: see build/fuzz/$target.log"
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
