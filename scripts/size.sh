#!/bin/bash
# Checks that target/lib/libuv.so.1, stripped as a package has it, is smaller than 400,000 bytes. The limit is for
# LLD, the linker of current Rust; GNU ld aligns parts of the file to pages, so it only prints the size of those.
set -euo pipefail
cd "$(dirname "$0")/.."

limit=400000
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" target/lib/libuv.so.1
size=$(stat -c %s "$stripped")
echo "the stripped library has $size bytes"
if ! readelf -p .comment target/lib/libuv.so.1 | grep -q LLD; then
  echo "SKIPPED: size: the limit is for libraries that LLD has linked"
  echo "0 passed, 0 failed, 1 skipped"
  exit
fi
if [ "$size" -ge $limit ]; then
  echo "FAILED: size: $size bytes, the limit is $limit"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
echo "1 passed, 0 failed, 0 skipped"
