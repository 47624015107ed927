#!/bin/bash
# Runs the C tests on an oxuv that is built with a sanitizer, std included:
#   scripts/sanitize.sh address|thread [option of oxuv-tests ...]
# It takes a nightly toolchain with the component rust-src. The test program is
# compiled by the C compiler and linked with the runtime of that toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."

# What the sanitizers themselves cannot do; their runtimes end the program or
# count into what the test measures. It is left out, and not counted.
#   thread_identity: their pthread_join() stops at a thread that joins itself
#   os_memory_resource_limits: their memory is beyond the limit on data
#   os_pipe_without_descriptors: the leak check at exit needs descriptors
#   misc_library_shutdown_ends_the_pool, thread_stack_is_rounded_up:
#     ThreadSanitizer adds a thread, and room to each stack
#   process_*: it does not support clone() with CLONE_VM
#   fork_*: it starts no threads after a fork
limits='thread_identity|os_memory_resource_limits'
case ${1-} in
  address)
    short=asan
    limits="$limits|os_pipe_without_descriptors"
    ;;
  thread)
    short=tsan
    limits="$limits|misc_library_shutdown_ends_the_pool|thread_stack_is_rounded_up|process_.*|fork_.*"
    ;;
  *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
esac
sanitizer=$1
shift

host=$(rustc +nightly -vV | sed -n 's/^host: //p')
sysroot=$(rustc +nightly --print sysroot)
if [ ! -d "$sysroot/lib/rustlib/src" ]; then
  rustup component add rust-src --toolchain nightly
fi

out=target/$short
RUSTFLAGS="-Zsanitizer=$sanitizer -Copt-level=1 -Cforce-frame-pointers=yes" \
  cargo +nightly build -q --locked --lib -Zbuild-std=std,panic_abort --target "$host" \
  --target-dir "$out"
mkdir -p "$out/lib"
ln -sfn "../$host/debug/libuv.so" "$out/lib/libuv.so.1"

runtime=$sysroot/lib/rustlib/$host/lib/librustc-nightly_rt.$short.a
export CFLAGS="-fsanitize=$sanitizer -fno-omit-frame-pointer -fPIE"
export LDFLAGS="-pie -rdynamic -Wl,--whole-archive $runtime -Wl,--no-whole-archive -lrt -lm -lresolv"
export OXUV_C_TESTS=$out/c-tests OXUV_TEST_TIMEOUT=${OXUV_TEST_TIMEOUT-300}
export ASAN_OPTIONS=detect_stack_use_after_return=1:allocator_may_return_null=1
export TSAN_OPTIONS=second_deadlock_stack=1:allocator_may_return_null=1

names=$(c-tests/run.sh "$out/lib" --list | grep -vxE "$limits")
c-tests/run.sh "$out/lib" "$@" $names
