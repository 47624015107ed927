#!/bin/bash
# Builds the C tests and runs them on one library:
#   c-tests/run.sh ref|ours [argument of oxuv-tests ...]
# UV_INCLUDE names the directory of another uv.h, CFLAGS adds compiler flags.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1-} in
  ref) library=target/reference ;;
  ours) library=target/lib ;;
  *) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
esac
shift

# The library that is linked only resolves names; the linker of the running
# program picks the one to run on. Names that oxuv lacks then fail the tests
# that call them and no others, because binding is lazy.
include=${UV_INCLUDE-}
if [ -z "$include" ]; then
  include=include
  [ -e include/uv.h ] || include=target/reference/include
fi
out=target/c-tests
mkdir -p "$out"
exec 9>"$out/lock"
flock 9

flags="-std=gnu11 -O1 -g -Wall -Wextra -Ic-tests -I$include ${CFLAGS-}"
if [ "$flags" != "$(cat "$out/flags" 2>/dev/null)" ]; then
  rm -f "$out"/*.o
  echo "$flags" >"$out/flags"
fi

objects=() broken=()
for source in c-tests/runner.c c-tests/test-*.c; do
  object=$out/$(basename "$source" .c).o
  if [ ! "$object" -nt "$source" ] || [ ! "$object" -nt c-tests/test.h ] ||
     [ ! "$object" -nt "$include/uv.h" ]; then
    rm -f "$object"
    cc $flags -c -o "$object" "$source" || true
  fi
  if [ -e "$object" ]; then objects+=("$object"); else broken+=("$source"); fi
done
cc -o "$out/oxuv-tests.new" "${objects[@]}" -Wl,-z,lazy -no-pie \
  target/reference/libuv.so.1 -lpthread -ldl
mv "$out/oxuv-tests.new" "$out/oxuv-tests"
flock -u 9
exec 9>&-

status=0
LD_LIBRARY_PATH=$PWD/$library "$out/oxuv-tests" \
  --library "$library/libuv.so.1" "$@" || status=$?
if [ ${#broken[@]} -gt 0 ]; then
  echo "NOT BUILT: ${broken[*]}" >&2
  status=1
fi
exit $status
