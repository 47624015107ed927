#!/bin/bash
# Runs tests on an oxuv that is built with a sanitizer, std included:
#   scripts/sanitize.sh address|thread c-tests [option of oxuv-tests ...]
#   scripts/sanitize.sh address|thread conformance [option of conformance/run.py ...]
# Needs a nightly toolchain with the component rust-src. The test programs are
# compiled by the C compiler and linked with the runtime of that toolchain.
set -euo pipefail
cd "$(dirname "$0")/.."

# Tests that the sanitizers cannot run: their runtimes end the program or affect
# the result. They are left out and not counted.
#   copies_...: they refuse to load a second copy with RTLD_DEEPBIND
#   thread_identity: their pthread_join() stops at a thread that joins itself
#   os_memory_resource_limits: their memory is beyond the limit on data
#   os_pipe_without_descriptors: the leak check at exit needs descriptors
#   exhaustion_no_process, exhaustion_no_thread..., exhaustion_one_thread_for_the_pool:
#     the leak check starts a process; ThreadSanitizer has a thread of its own
#   misc_library_shutdown_ends_the_pool, thread_stack_is_rounded_up:
#     ThreadSanitizer adds a thread, and room to each stack
#   fork_in_a_walk_while_a_thread_sends, fork_while_another_thread_handles_signals,
#   allocator_failing_each_allocation_in_turn:
#     it defers signals until the thread calls an intercepted function; an idle
#     worker that received SIGCHLD does not
#   unwind_*, thread_may_be_cancelled..., thread_may_call_pthread_exit...:
#     ThreadSanitizer gives every function a clean-up for exceptions, and the library ends the
#     process rather than run one
limits='copies_.*|thread_identity|os_memory_resource_limits|exhaustion_one_thread_for_the_pool'
flags="-Copt-level=1 -Cforce-frame-pointers=yes"
case ${1-}:${2-} in
  address:c-tests | address:conformance)
    short=asan
    limits="$limits|os_pipe_without_descriptors|exhaustion_no_(process|thread.*)"
    ;;
  thread:c-tests | thread:conformance)
    short=tsan
    limits="$limits|misc_library_shutdown_ends_the_pool|thread_stack_is_rounded_up"
    limits="$limits|fork_in_a_walk_while_a_thread_sends|fork_while_another_thread_handles_signals"
    limits="$limits|allocator_failing_each_allocation_in_turn|unwind_.*"
    limits="$limits|thread_may_be_cancelled_while_its_loop_waits|thread_may_call_pthread_exit_in_a_callback"
    # The runtime resets its state in the child of clone(), so children must not
    # share the parent's memory.
    flags+=" --cfg tsan"
    ;;
  *) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
esac
sanitizer=$1 tests=$2
shift 2

host=$(rustc +nightly -vV | sed -n 's/^host: //p')
sysroot=$(rustc +nightly --print sysroot)
if [ ! -d "$sysroot/lib/rustlib/src" ]; then
  rustup component add rust-src --toolchain nightly
fi

out=target/$short
RUSTFLAGS="-Zsanitizer=$sanitizer $flags" \
  cargo +nightly build -q --locked --lib -Zbuild-std=std,panic_unwind --target "$host" \
  --target-dir "$out"
mkdir -p "$out/lib"
ln -sfn "../$host/debug/libuv.so" "$out/lib/libuv.so.1"

runtime=$sysroot/lib/rustlib/$host/lib/librustc-nightly_rt.$short.a
export CFLAGS="-fsanitize=$sanitizer -fno-omit-frame-pointer -fPIE"
export LDFLAGS="-pie -rdynamic -Wl,--whole-archive $runtime -Wl,--no-whole-archive -lrt -lm -lresolv"
export ASAN_OPTIONS=detect_stack_use_after_return=1:allocator_may_return_null=1
# Tests fork, and start threads in the child.
export TSAN_OPTIONS=second_deadlock_stack=1:allocator_may_return_null=1:die_after_fork=0

case $tests in
  c-tests)
    export OXUV_C_TESTS=$out/c-tests OXUV_TEST_TIMEOUT=${OXUV_TEST_TIMEOUT-300}
    names=$(c-tests/run.sh "$out/lib" --list | grep -vxE "$limits")
    c-tests/run.sh "$out/lib" "$@" $names
    ;;
  conformance)
    ASAN_OPTIONS+=:log_path={reports}/asan
    TSAN_OPTIONS+=:log_path={reports}/tsan
    conformance/run.py --tool "$short" --library "$out/lib/libuv.so.1" "$@"
    ;;
esac
