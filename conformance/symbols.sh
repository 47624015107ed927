#!/bin/bash
# Compares the exports of target/reference/libuv.so.1 and target/lib/libuv.so.1.
# oxuv must export all symbols of libuv, and others only if they begin with oxuv_.
# It must not load further libraries, except the dynamic linker, which is always loaded.
set -euo pipefail
cd "$(dirname "$0")/.."

# Name and kind: T is a function, B and D are data.
exported() {
  nm --dynamic --defined-only --format=posix "$1" | awk '{ print $1, $2 }' | sort
}

needed() {
  readelf --dynamic --wide "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort
}

[ -e target/reference/libuv.so.1 ] || cargo run -q --locked -p reference
reference=$(exported target/reference/libuv.so.1)
ours=$(exported target/lib/libuv.so.1)
missing=$(comm -23 <(echo "$reference") <(echo "$ours"))
extra=$(comm -13 <(echo "$reference") <(echo "$ours") | grep -v '^oxuv_' || true)
libraries=$(comm -13 <(needed target/reference/libuv.so.1) <(needed target/lib/libuv.so.1) |
  grep -v '^ld-linux' || true)

[ -z "$missing" ] || sed 's/^/FAILED: missing: /' <<<"$missing"
[ -z "$extra" ] || sed 's/^/FAILED: not in libuv: /' <<<"$extra"
[ -z "$libraries" ] || sed 's/^/FAILED: loaded as well: /' <<<"$libraries"
echo "libuv exports $(wc -l <<<"$reference") symbols"
if [ -n "$missing$extra$libraries" ]; then
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
echo "1 passed, 0 failed, 0 skipped"
