#!/bin/bash
# Checks that target/lib/libuv.so.1, stripped as a package has it, is smaller than 400,000 bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

limit=400000
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" target/lib/libuv.so.1
size=$(stat -c %s "$stripped")
echo "the stripped library has $size bytes"
if [ "$size" -ge $limit ]; then
  echo "FAILED: size: $size bytes, the limit is $limit"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
echo "1 passed, 0 failed, 0 skipped"
