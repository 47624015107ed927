//! The functions of `uv_loop_t`.

use super::{loop_flag, Loop};
use crate::abi::*;
use crate::ffi::Overlay;
use crate::handles::Handle;
use crate::memory;
use crate::sys;
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::{size_of, MaybeUninit};
use core::sync::atomic::{AtomicPtr, Ordering};

/// Memory for the default loop.
struct DefaultLoop(UnsafeCell<MaybeUninit<uv_loop_t>>);

// SAFETY: `uv_default_loop` is documented not to be thread-safe; beyond that it is memory like any
// that a user gives to `uv_loop_init`.
unsafe impl Sync for DefaultLoop {}

static DEFAULT_LOOP: DefaultLoop = DefaultLoop(UnsafeCell::new(MaybeUninit::zeroed()));
/// NULL until the default loop is initialised, and again after it was closed.
static DEFAULT_LOOP_POINTER: AtomicPtr<uv_loop_t> = AtomicPtr::new(core::ptr::null_mut());

/// Initialises a loop. The field `data` is left as it is.
///
/// Returns 0 or an error code, such as `UV_EMFILE`.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_init>.
///
/// # Safety
/// `loop` is memory for a loop, alive and in place until the loop is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_init(r#loop: *mut uv_loop_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Loop::init(r#loop.cast()) }.into_c()
}

/// Releases what the loop holds, after which its memory is the caller's again.
///
/// Returns 0, or `UV_EBUSY` while there are open handles or requests under way.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_close>.
///
/// # Safety
/// `loop` is an initialised loop that is not running.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_close(r#loop: *mut uv_loop_t) -> c_int {
    // SAFETY: the caller's contract.
    let result = unsafe { Loop::close(r#loop.cast()) };
    if result.is_ok() {
        let null = core::ptr::null_mut();
        let _ = DEFAULT_LOOP_POINTER.compare_exchange(
            r#loop,
            null,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }
    result.into_c()
}

/// The default loop, initialised when it is first asked for; NULL when that fails. Closing it is
/// allowed, it is then made anew the next time.
///
/// Not thread-safe. See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_default_loop>.
#[no_mangle]
pub extern "C" fn uv_default_loop() -> *mut uv_loop_t {
    let known = DEFAULT_LOOP_POINTER.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    let memory = DEFAULT_LOOP.0.get().cast::<uv_loop_t>();
    // SAFETY: the memory is static, and no loop is in it: the pointer is NULL.
    if unsafe { Loop::init(memory.cast()) }.is_err() {
        return core::ptr::null_mut();
    }
    DEFAULT_LOOP_POINTER.store(memory, Ordering::Relaxed);
    memory
}

/// Allocates and initialises a loop; NULL when either fails. Deprecated: allocate it yourself and
/// call `uv_loop_init()`.
#[no_mangle]
pub extern "C" fn uv_loop_new() -> *mut uv_loop_t {
    let Ok(memory) = memory::calloc(1, size_of::<uv_loop_t>()) else {
        return core::ptr::null_mut();
    };
    // SAFETY: fresh memory of the right size, which is freed when there is no loop in it.
    unsafe {
        if Loop::init(memory.as_ptr().cast()).is_err() {
            memory::free(memory.as_ptr());
            return core::ptr::null_mut();
        }
    }
    memory.as_ptr().cast()
}

/// Closes a loop and, unless it is the default loop, frees it. A loop that is busy is left as it
/// is. Deprecated: call `uv_loop_close()`.
///
/// # Safety
/// `loop` came from `uv_loop_new()` or `uv_default_loop()` and is not running.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_delete(r#loop: *mut uv_loop_t) {
    let is_default = DEFAULT_LOOP_POINTER.load(Ordering::Relaxed) == r#loop;
    // SAFETY: the caller's contract; memory that a loop is still in is not freed.
    unsafe {
        if uv_loop_close(r#loop) == 0 && !is_default {
            memory::free(r#loop.cast());
        }
    }
}

/// The size of a `uv_loop_t` in bytes, for bindings that do not know its layout.
#[no_mangle]
pub extern "C" fn uv_loop_size() -> usize {
    size_of::<uv_loop_t>()
}

/// Whether the loop has active and referenced handles, requests under way, or closing handles.
///
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_alive>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_alive(r#loop: *const uv_loop_t) -> c_int {
    // SAFETY: the caller's contract.
    c_int::from(unsafe { Loop::of(r#loop) }.is_alive())
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("uv_loop_configure() takes a third argument as on x86-64 and AArch64");

/// Sets an option of the loop, which some take an argument for; see `uv_loop_option`. Normally
/// called before the loop first runs.
///
/// Returns 0; `UV_EINVAL` for a signal that cannot be blocked; `UV_ENOSYS` for an option that
/// does not exist.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_configure>.
///
/// # Safety
/// `loop` is an initialised loop.
// C declares this function as variadic, which stable Rust cannot define. In the calling conventions
// of x86-64 and AArch64 Linux an `int` argument after the fixed ones is passed where a fixed one
// would be; if the caller passed none, the register holds something that is not looked at.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_configure(
    r#loop: *mut uv_loop_t,
    option: uv_loop_option,
    variadic: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    let this = unsafe { Loop::of(r#loop) };
    match option {
        UV_METRICS_IDLE_TIME => this.flags.set(this.flags.get() | loop_flag::METRICS_IDLE_TIME),
        UV_LOOP_BLOCK_SIGNAL if variadic == libc::SIGPROF => {
            this.flags.set(this.flags.get() | loop_flag::BLOCK_SIGPROF)
        }
        UV_LOOP_BLOCK_SIGNAL => return Error::EINVAL.code(),
        UV_LOOP_USE_IO_URING_SQPOLL => this.ring.want(),
        _ => return Error::ENOSYS.code(),
    }
    0
}

/// To be called in the child of a fork, before anything else, for each loop of the parent that the
/// child goes on to use.
///
/// Returns 0 or an error code. `uv_backend_fd()` is another afterwards.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_fork>.
///
/// # Safety
/// `loop` is an initialised loop that was not running when the process forked.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_fork(r#loop: *mut uv_loop_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Loop::of(r#loop) }.after_fork().into_c()
}

/// Runs the loop: until nothing is left to do (`UV_RUN_DEFAULT`), one tick that waits for events
/// unless callbacks are pending (`UV_RUN_ONCE`), or one that does not wait (`UV_RUN_NOWAIT`).
///
/// Returns non-zero when handles or requests are still active: after `uv_stop()` in default mode,
/// and in the other modes when there is a reason to run again. Not to be called from a callback.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_run>.
///
/// # Safety
/// `loop` is an initialised loop that no other thread runs.
#[no_mangle]
pub unsafe extern "C-unwind" fn uv_run(r#loop: *mut uv_loop_t, mode: uv_run_mode) -> c_int {
    // SAFETY: the caller's contract.
    c_int::from(unsafe { Loop::of(r#loop) }.run(mode))
}

/// Makes `uv_run()` return at the end of the current tick, or at once the next time that it is
/// called. The loop does not wait for events before that.
///
/// Loop thread only. See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_stop>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_stop(r#loop: *mut uv_loop_t) {
    // SAFETY: the caller's contract.
    unsafe { Loop::of(r#loop) }.stop_flag.set(1);
}

/// The descriptor that becomes readable when the loop has events: the epoll instance. An embedder
/// waits for it, at most as long as `uv_backend_timeout()` says, and then runs the loop with
/// `UV_RUN_NOWAIT`.
///
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_backend_fd>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_backend_fd(r#loop: *const uv_loop_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Loop::of(r#loop) }.backend_fd.get()
}

/// How long the loop may wait for events, in milliseconds; -1 is without limit, 0 not at all.
///
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_backend_timeout>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_backend_timeout(r#loop: *const uv_loop_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Loop::of(r#loop) }.backend_timeout()
}

/// The loop's time in milliseconds from an unspecified start, as of the last update: at the start
/// of a tick's timers and after each wait. It never goes back.
///
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_now>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_now(r#loop: *const uv_loop_t) -> u64 {
    // SAFETY: the caller's contract.
    unsafe { Loop::of(r#loop) }.now()
}

/// Brings the loop's time up to date, for callbacks that take long.
///
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_update_time>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_update_time(r#loop: *mut uv_loop_t) {
    // SAFETY: the caller's contract.
    unsafe { Loop::of(r#loop) }.update_time();
}

/// Calls `walk_cb` with `arg` for every handle of the loop that is not closed. The callback may
/// close handles; handles that it initialises are not visited.
///
/// Loop thread only. See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_walk>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C-unwind" fn uv_walk(
    r#loop: *mut uv_loop_t,
    walk_cb: uv_walk_cb,
    arg: *mut c_void,
) {
    let Some(callback) = walk_cb else { return };
    // SAFETY: the caller's contract; the callback is the user's, called as it was declared.
    unsafe {
        Loop::of(r#loop)
            .walk(|handle: &Handle| callback(core::ptr::from_ref(handle).cast_mut().cast(), arg));
    }
}

/// The field `data` of the loop.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_get_data(r#loop: *const uv_loop_t) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe { Loop::of(r#loop) }.data.get()
}

/// Sets the field `data` of the loop.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_set_data(r#loop: *mut uv_loop_t, data: *mut c_void) {
    // SAFETY: the caller's contract.
    unsafe { Loop::of(r#loop) }.data.set(data);
}

/// Fills in the loop's metrics. Returns 0.
///
/// Loop thread only. See <https://docs.libuv.org/en/v1.x/metrics.html#c.uv_metrics_info>.
///
/// # Safety
/// `loop` is an initialised loop and `metrics` is writable.
#[no_mangle]
pub unsafe extern "C" fn uv_metrics_info(
    r#loop: *mut uv_loop_t,
    metrics: *mut uv_metrics_t,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        let from = &Loop::of(r#loop).metrics;
        (&raw mut (*metrics).loop_count).write(from.loop_count.get());
        (&raw mut (*metrics).events).write(from.events.get());
        (&raw mut (*metrics).events_waiting).write(from.events_waiting.get());
    }
    0
}

/// How long the loop has waited for events, in nanoseconds; 0 unless it was configured with
/// `UV_METRICS_IDLE_TIME`.
///
/// Any thread. See <https://docs.libuv.org/en/v1.x/metrics.html#c.uv_metrics_idle_time>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_metrics_idle_time(r#loop: *mut uv_loop_t) -> u64 {
    // SAFETY: the caller's contract; only atomics of the loop are read.
    let metrics = unsafe { &(*r#loop.cast::<Loop>()).metrics };
    let idle = metrics.idle_nanoseconds.load(Ordering::Relaxed);
    match metrics.wait_began.load(Ordering::Relaxed) {
        0 => idle,
        began => idle + sys::time::monotonic().saturating_sub(began),
    }
}
