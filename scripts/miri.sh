#!/bin/bash
# Runs tests under Miri, which detects undefined behaviour: the unit tests, and those in tests/miri/, which
# call the library as C does. src/sys/miri.rs lists the functions that Miri lacks, and the tests that need them.
#   scripts/miri.sh [NAME]
# NAME is a part of the names of the tests to run. The closing line is counts, as in scripts/test.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

sources=$(rustc +nightly --print sysroot 2>/dev/null || true)/lib/rustlib/src/rust/library
if ! cargo +nightly miri --version >/dev/null 2>&1 || [ ! -d "$sources" ]; then
  echo "SKIPPED: needs a nightly toolchain with the components miri and rust-src"
  echo "0 passed, 0 failed, 1 skipped"
  exit
fi

flags="-Zmiri-tree-borrows -Zmiri-disable-isolation"
log=${OXUV_MIRI_LOG-build/log}
mkdir -p "$log"
rm -f "$log"/miri-*.log

# tests PART FLAG ARGUMENT...: runs some of the tests, with a log of their own.
tests() {
  MIRIFLAGS="$flags $2" cargo +nightly miri test --locked --lib -- "${@:3}" >"$log/miri-$1.log" 2>&1 ||
    echo "test $1 FAILED with status $?" >>"$log/miri-$1.log"
}

MIRIFLAGS="$flags" cargo +nightly miri test --locked --lib --no-run
name=${1-}
if [ -n "$name" ]; then
  case $name in
    *signals*) tests "$name" -Zmiri-permissive-provenance "$name" ;;
    *) tests "$name" -Zmiri-strict-provenance "$name" ;;
  esac
else
  tests unit -Zmiri-strict-provenance --skip miri:: &
  tests calls -Zmiri-strict-provenance miri:: --skip miri::signals
  # C stores the address of a handler in an integer.
  tests signals -Zmiri-permissive-provenance miri::signals
  wait
  echo "Not run, as Miri lacks what it needs:"
  sed -n '/^\/\/! Not replaced/,/^\/\/! #/s/^\/\/! \([^#]\)/  \1/p' src/sys/miri.rs
fi

cat "$log"/miri-*.log
sed -nE 's/^test (.*) \.\.\. ignored/SKIPPED: \1/p' "$log"/miri-*.log
# Undefined behaviour ends a run before it counts; it is one failure then.
awk '/^test result:/ { p += $4; f += $6; s += $8 }
     /^test .* FAILED with status/ { failed += 1 }
     END {
       if (f < failed) f = failed
       print p + 0 " passed, " f + 0 " failed, " s + 0 " skipped"
       exit f > 0
     }' "$log"/miri-*.log
