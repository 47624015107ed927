#!/bin/bash
# Runs the C tests where system calls are refused, as by an old kernel or a sandbox:
#   torture/sandboxes.sh [DIRECTORY WITH libuv.so.1]
# Nearly all tests must pass there: the library has to fall back on other calls.
set -euo pipefail
cd "$(dirname "$0")/.."
library=$(realpath "${1-target/lib}")
tests=target/c-tests/oxuv-tests
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cc -O1 -o "$scratch/refuse" torture/refuse.c
# Compiles them.
c-tests/run.sh "$library" --list >"$scratch/list"

# The calls that Linux has had since 3.17.
newer="clone3 close_range copy_file_range epoll_pwait2 execveat faccessat2 getrandom io_uring_setup
  openat2 pidfd_open pidfd_send_signal preadv2 pwritev2 renameat2 statx"
# EPERM: as sandboxes refuse what they do not know; from clone3 and faccessat2, the C library
# does not accept it.
unknown="close_range copy_file_range epoll_pwait2 execveat io_uring_enter io_uring_register
  io_uring_setup openat2 pidfd_open pidfd_send_signal preadv2 pwritev2 renameat2 statx"
# Tests that make such a call themselves, or expect an error of it.
needed="fs_recursive_exchanged fs_sendfile_errors_.* fs_sendfile_pipes_.* fs_stat_fields_.*"

passed=0 failed=0 skipped=0
skip() {
  echo "SKIPPED: $1"
  skipped=$((skipped + 1))
}

# in_sandbox ERROR CALL...: runs the tests while the calls fail with the error.
in_sandbox() {
  local error=$1 numbers name
  shift
  numbers=$(for name; do printf '#include <sys/syscall.h>\nSYS_%s\n' "$name"; done |
    cc -E -P -x c - | grep -E '^[0-9]+$' | paste -sd,)
  if ! "$scratch/refuse" "$error" "$numbers" /bin/true 2>/dev/null; then
    skip "error $error: seccomp is not allowed"
    return
  fi
  LD_LIBRARY_PATH=$library "$scratch/refuse" "$error" "$numbers" "$tests" >"$scratch/log" 2>&1 || true
  while IFS= read -r name; do
    case $name in
      FAILED*)
        name=${name#FAILED } name=${name%%:*}
        if grep -qxE "(${needed//[[:space:]]/|})" <<<"$name"; then
          skip "error $error: $name: needs the call"
        else
          failed=$((failed + 1))
          echo "FAILED: error $error: $name"
          sed -n "/^FAILED $name:/,/^[^ ]/p" "$scratch/log" | sed '1d;$d'
        fi ;;
      ok\ *) passed=$((passed + 1)) ;;
      skipped\ *) skip "error $error: ${name#skipped }" ;;
    esac
  done <"$scratch/log"
}
in_sandbox 38 $newer
in_sandbox 1 $unknown
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ $((passed + skipped)) -gt 0 ]
