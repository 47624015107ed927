#!/bin/bash
# Builds the C tests and runs them on one library:
#   c-tests/run.sh ref|ours|DIRECTORY [argument of oxuv-tests ...]
#   c-tests/run.sh debug [argument of oxuv-tests ...]
# `debug` builds oxuv without optimisation, and of the tests only the files that define the named
# ones. A directory is one that has a libuv.so.1. UV_INCLUDE names the directory of another uv.h,
# OXUV_C_TESTS the one that is built in, CFLAGS and LDFLAGS add flags. For another architecture, CC and
# CXX name its compilers, OXUV_LINKED a library to link, and OXUV_EMULATOR the command that runs
# programs. c-tests/README.md says more.
set -euo pipefail
cd "$(dirname "$0")/.."

include=${UV_INCLUDE-include}
out=${OXUV_C_TESTS-target/c-tests}
program=oxuv-tests
case ${1-} in
  ref) library=target/reference ;;
  ours) library=target/lib ;;
  debug) library=$out/debug program=oxuv-tests-debug ;;
  */*) library=$(realpath "$1") ;;
  *) sed -n '2,9s/^# //p' "$0" >&2; exit 2 ;;
esac
mode=$1
shift

# The arguments that are names of tests.
names=()
for argument; do
  case ${previous-} in
    -j | --jobs | -r | --repeat | --wrap) ;;
    *) [[ $argument == -* ]] || names+=("$argument") ;;
  esac
  previous=$argument
done

# defines FILE: whether FILE defines a test that is named, or none is named. FS_TEST(name) defines
# tests whose names begin with `name`.
defines() {
  local name pattern
  [ ${#names[@]} -gt 0 ] || return 0
  while IFS= read -r name; do
    for pattern in "${names[@]}"; do
      [[ $name == $pattern* || $pattern == "$name"* || ${name}_sync == $pattern ||
         ${name}_async == $pattern || ${name}_ring == $pattern ]] && return 0
    done
  done < <(sed -nE 's/^ *(FS_|UNWIND_)?TEST(_NOT_RING|_LOST)?\((\w+).*/\3/p' "$1")
  return 1
}

# compile SOURCE: writes its object file, if the compiler accepts it.
compile() {
  local object=$out/$(basename "${1%.*}").o compiler="${CC-cc} -std=gnu11 $c_flags"
  [ "${1##*.}" = c ] || compiler="${CXX-c++} -std=gnu++17"
  $compiler $flags -c -o "$object.new" "$1" && mv "$object.new" "$object"
}

mkdir -p "$out/debug" target/lib
if [ "$mode" = debug ]; then
  cargo rustc --quiet --locked --lib --crate-type cdylib --target-dir target
  ln -sfn "$PWD/target/debug/libuv.so" "$library/libuv.so.1"
  linked=$library/libuv.so.1
else
  # The library that is linked only resolves names; the linker of the running program picks the one
  # to run on. Binding is lazy, so a name that oxuv lacks fails only the tests that call it.
  linked=${OXUV_LINKED-target/reference/libuv.so.1}
  [ -e "$linked" ] || cargo run -q -p reference
fi
ln -sfn ../release/libuv.so target/lib/libuv.so.1
exec 9>"$out/lock"
flock 9

c_flags=-Werror=implicit-function-declaration
flags="-O1 -g -Wall -Wextra -Ic-tests -I$include ${CFLAGS-}"
if [ "$flags" != "$(cat "$out/flags" 2>/dev/null)" ]; then
  rm -f "$out"/*.o
  echo "$flags" >"$out/flags"
fi

newest_header=c-tests/test.h
for header in c-tests/*.h "$include"/uv.h "$include"/uv/*.h; do
  [ ! "$header" -nt "$newest_header" ] || newest_header=$header
done
sources=(c-tests/runner.c) stale=()
for source in c-tests/test-*.{c,cc}; do
  if [ "$mode" != debug ] || defines "$source"; then sources+=("$source"); fi
done
for source in "${sources[@]}"; do
  object=$out/$(basename "${source%.*}").o
  if [ ! "$object" -nt "$source" ] || [ ! "$object" -nt "$newest_header" ]; then
    rm -f "$object"
    stale+=("$source")
  fi
done
if [ ${#stale[@]} -gt 0 ]; then
  export -f compile
  export flags c_flags out
  printf '%s\0' "${stale[@]}" |
    xargs -0 -n 1 -P "$(nproc)" bash -c 'compile "$1"' compile || true
fi

objects=() broken=()
for source in "${sources[@]}"; do
  object=$out/$(basename "${source%.*}").o
  if [ -e "$object" ]; then objects+=("$object"); else broken+=("$source"); fi
done
${CXX-c++} -o "$out/$program.new" "${objects[@]}" -Wl,-z,lazy -no-pie "$linked" ${LDFLAGS-} -lpthread -ldl
mv "$out/$program.new" "$out/$program"
flock -u 9
exec 9>&-

if [ ! -e "$library/libuv.so.1" ]; then
  echo "there is no $library/libuv.so.1; run make first" >&2
  exit 2
fi
status=0
wrap=(${OXUV_EMULATOR:+--wrap "$OXUV_EMULATOR"})
LD_LIBRARY_PATH=$(realpath "$library") ${OXUV_EMULATOR-} "$out/$program" \
  --library "$library/libuv.so.1" "${wrap[@]}" "$@" || status=$?
if [ ${#broken[@]} -gt 0 ]; then
  echo "NOT BUILT: ${broken[*]}" >&2
  status=1
fi
exit $status
