#!/bin/bash
# Builds the C tests and runs them on one library:
#   c-tests/run.sh ref|ours|DIRECTORY [argument of oxuv-tests ...]
# A directory is one that has a libuv.so.1. UV_INCLUDE names the directory of
# another uv.h, OXUV_C_TESTS the one that is built in, CFLAGS and LDFLAGS add flags.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1-} in
  ref) library=target/reference ;;
  ours) library=target/lib ;;
  */*) library=$(realpath "$1") ;;
  *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
esac
shift

# The library that is linked only resolves names; the linker of the running
# program picks the one to run on. Names that oxuv lacks then fail the tests
# that call them and no others, because binding is lazy.
include=${UV_INCLUDE-include}
out=${OXUV_C_TESTS-target/c-tests}
mkdir -p "$out" target/lib
[ -e target/reference/libuv.so.1 ] || cargo run -q -p reference
ln -sfn ../release/libuv.so target/lib/libuv.so.1
exec 9>"$out/lock"
flock 9

flags="-std=gnu11 -O1 -g -Wall -Wextra -Werror=implicit-function-declaration -Ic-tests -I$include ${CFLAGS-}"
if [ "$flags" != "$(cat "$out/flags" 2>/dev/null)" ]; then
  rm -f "$out"/*.o
  echo "$flags" >"$out/flags"
fi

objects=() broken=()
for source in c-tests/runner.c c-tests/test-*.c; do
  object=$out/$(basename "$source" .c).o
  newest=$(ls -tL "$source" c-tests/*.h "$include"/uv.h "$include"/uv/*.h |
           head -n 1)
  if [ ! "$object" -nt "$newest" ]; then
    rm -f "$object"
    cc $flags -c -o "$object" "$source" || true
  fi
  if [ -e "$object" ]; then objects+=("$object"); else broken+=("$source"); fi
done
cc -o "$out/oxuv-tests.new" "${objects[@]}" -Wl,-z,lazy -no-pie \
  target/reference/libuv.so.1 ${LDFLAGS-} -lpthread -ldl
mv "$out/oxuv-tests.new" "$out/oxuv-tests"
flock -u 9
exec 9>&-

if [ ! -e "$library/libuv.so.1" ]; then
  echo "there is no $library/libuv.so.1; run make first" >&2
  exit 2
fi
status=0
LD_LIBRARY_PATH=$(realpath "$library") "$out/oxuv-tests" \
  --library "$library/libuv.so.1" "$@" || status=$?
if [ ${#broken[@]} -gt 0 ]; then
  echo "NOT BUILT: ${broken[*]}" >&2
  status=1
fi
exit $status
