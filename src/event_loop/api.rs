//! The C functions of `uv_loop_t`.

use super::{loop_flag, Loop};
use crate::abi::*;
use crate::check;
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

// SAFETY: `uv_default_loop` is documented not to be thread-safe, and the memory is used only through
// its pointer, as a loop in the user's memory is.
unsafe impl Sync for DefaultLoop {}

static DEFAULT_LOOP: DefaultLoop = DefaultLoop(UnsafeCell::new(MaybeUninit::zeroed()));
/// NULL while the default loop is not initialised.
static DEFAULT_LOOP_POINTER: AtomicPtr<uv_loop_t> = AtomicPtr::new(core::ptr::null_mut());

/// Initialises a loop. Does not change the field `data`.
///
/// Returns 0 or an error code, such as `UV_EMFILE`.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_init>.
///
/// # Safety
/// `loop` points to memory for a loop, which stays valid and in place until the loop is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_init(r#loop: *mut uv_loop_t) -> c_int {
    // SAFETY: as documented.
    unsafe { init(r#loop.cast()) }.into_c()
}

/// Initialises a loop, without memory of the reserve.
///
/// # Safety
/// As for [`Loop::init`].
unsafe fn init(at: *mut Loop) -> Result {
    // SAFETY: as documented.
    let make = || unsafe { Loop::init(at) };
    let undo = |()| {
        // SAFETY: the loop was just initialised. It has nothing that keeps it open.
        let _ = unsafe { Loop::close(at) };
    };
    memory::without_reserve(make, undo)
}

/// Closes a loop and releases its resources. The caller may then free or reuse its memory.
///
/// Returns 0, or `UV_EBUSY` while the loop has open handles or active requests.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_close>.
///
/// # Safety
/// `loop` is an initialised loop that is not running.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_close(r#loop: *mut uv_loop_t) -> c_int {
    // SAFETY: as documented.
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

/// Returns the default loop, which the first call initialises, or NULL if that fails. After the
/// program has closed it the next call initialises it again.
///
/// Not thread-safe. See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_default_loop>.
#[no_mangle]
pub extern "C" fn uv_default_loop() -> *mut uv_loop_t {
    let existing = DEFAULT_LOOP_POINTER.load(Ordering::Relaxed);
    if !existing.is_null() {
        return existing;
    }
    let memory = DEFAULT_LOOP.0.get().cast::<uv_loop_t>();
    // SAFETY: the memory is static, and holds no loop while the pointer is NULL.
    if unsafe { init(memory.cast()) }.is_err() {
        return core::ptr::null_mut();
    }
    DEFAULT_LOOP_POINTER.store(memory, Ordering::Relaxed);
    memory
}

/// Allocates and initialises a loop. Returns NULL if either fails. Deprecated: allocate the memory and
/// call `uv_loop_init()`.
#[no_mangle]
pub extern "C" fn uv_loop_new() -> *mut uv_loop_t {
    let Ok(memory) = memory::calloc(1, size_of::<uv_loop_t>()) else {
        return core::ptr::null_mut();
    };
    // SAFETY: the memory is fresh and of the right size. It is freed only if it holds no loop.
    unsafe {
        if init(memory.as_ptr().cast()).is_err() {
            memory::free(memory.as_ptr());
            return core::ptr::null_mut();
        }
    }
    memory.as_ptr().cast()
}

/// Closes a loop and frees it, unless it is the default loop. Does nothing if the loop is busy.
/// Deprecated: call `uv_loop_close()`.
///
/// # Safety
/// `loop` was returned by `uv_loop_new()` or `uv_default_loop()` and is not running.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_delete(r#loop: *mut uv_loop_t) {
    let is_default = DEFAULT_LOOP_POINTER.load(Ordering::Relaxed) == r#loop;
    // SAFETY: as documented. The memory is freed only if the loop in it is closed.
    unsafe {
        if uv_loop_close(r#loop) == 0 && !is_default {
            memory::free(r#loop.cast());
        }
    }
}

/// Returns the size of a `uv_loop_t` in bytes, for bindings that do not know its layout.
#[no_mangle]
pub extern "C" fn uv_loop_size() -> usize {
    size_of::<uv_loop_t>()
}

/// Returns non-zero if the loop has active and referenced handles, active requests or closing
/// handles.
///
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_alive>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_alive(r#loop: *const uv_loop_t) -> c_int {
    // SAFETY: as documented.
    c_int::from(unsafe { Loop::of_reading(r#loop) }.is_alive())
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("uv_loop_configure() takes a third argument as on x86-64 and AArch64");

/// Sets an option of the loop. Some options take an argument; see `uv_loop_option`. Call it before the
/// loop first runs.
///
/// Returns 0, `UV_EINVAL` for a signal that cannot be blocked, or `UV_ENOSYS` for an unknown option.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_configure>.
///
/// # Safety
/// `loop` is an initialised loop.
// C declares this function as variadic, which stable Rust cannot define. The calling conventions of
// x86-64 and AArch64 Linux pass an `int` after the fixed arguments as they would pass a fixed one. If
// the caller passed none, the register has some value, which is not read.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_configure(
    r#loop: *mut uv_loop_t,
    option: uv_loop_option,
    variadic: c_int,
) -> c_int {
    // SAFETY: as documented.
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

/// Prepares a loop of the parent for use in the child of a fork. Call it in the child, before any other
/// function on the loop.
///
/// Returns 0 or an error code. `uv_backend_fd()` returns a new descriptor afterwards.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_fork>.
///
/// # Safety
/// `loop` is an initialised loop that was not running when the process forked.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_fork(r#loop: *mut uv_loop_t) -> c_int {
    // SAFETY: as documented.
    let this = unsafe { Loop::of(r#loop) };
    check::loop_forked(r#loop);
    this.after_fork().into_c()
}

/// Runs the loop: until it is no longer alive (`UV_RUN_DEFAULT`), for one iteration that waits for
/// events unless callbacks are pending (`UV_RUN_ONCE`), or for one that does not wait
/// (`UV_RUN_NOWAIT`).
///
/// Returns non-zero if handles or requests are still active: in default mode after `uv_stop()`, in the
/// other modes if the loop should be run again. Do not call it from a callback. A C++ exception may leave
/// a callback and with it this function; the next call calls the remaining callbacks.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_run>.
///
/// # Safety
/// `loop` is an initialised loop that no other thread runs.
#[no_mangle]
pub unsafe extern "C-unwind" fn uv_run(r#loop: *mut uv_loop_t, mode: uv_run_mode) -> c_int {
    // SAFETY: as documented.
    c_int::from(unsafe { Loop::of(r#loop) }.run(mode))
}

/// Makes `uv_run()` return at the end of the current iteration, or the next call of it return at once.
/// The loop does not wait for events before it returns.
///
/// Loop thread only. See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_stop>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_stop(r#loop: *mut uv_loop_t) {
    // SAFETY: as documented.
    unsafe { Loop::of(r#loop) }.stop_flag.set(1);
}

/// Returns the epoll descriptor of the loop, which is readable while there are events. An embedder waits
/// for it, at most for `uv_backend_timeout()`, and then runs the loop with `UV_RUN_NOWAIT`.
///
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_backend_fd>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_backend_fd(r#loop: *const uv_loop_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Loop::of_reading(r#loop) }.backend_fd.get()
}

/// Returns how long the loop may wait for events, in milliseconds: 0 means that it must not wait, -1
/// that there is no limit.
///
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_backend_timeout>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_backend_timeout(r#loop: *const uv_loop_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Loop::of_reading(r#loop) }.backend_timeout()
}

/// Returns the loop's time, in milliseconds since an unspecified start. The loop updates it after each
/// wait and before it runs timers. It never goes back.
///
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_now>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_now(r#loop: *const uv_loop_t) -> u64 {
    // SAFETY: as documented.
    unsafe { Loop::of_reading(r#loop) }.now()
}

/// Updates the loop's time. Useful in callbacks that run for long.
///
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_update_time>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_update_time(r#loop: *mut uv_loop_t) {
    // SAFETY: as documented.
    unsafe { Loop::of(r#loop) }.update_time();
}

/// Calls `walk_cb` with `arg` for each handle of the loop that is not closed. The callback may close
/// handles; those that it initialises are not visited.
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
    // SAFETY: as documented.
    let this = unsafe { Loop::of(r#loop) };
    let Some(callback) = walk_cb else {
        if !this.handles.is_empty() {
            check::callback_missing(this);
        }
        return;
    };
    // SAFETY: the user's callback gets the arguments that it was declared with.
    unsafe {
        this.walk(callback as *const (), |handle: &Handle| {
            callback(core::ptr::from_ref(handle).cast_mut().cast(), arg)
        });
    }
}

/// Returns the field `data` of the loop.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_get_data(r#loop: *const uv_loop_t) -> *mut c_void {
    // SAFETY: as documented.
    unsafe { (&raw const (*r#loop).data).read() }
}

/// Sets the field `data` of the loop.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_loop_set_data(r#loop: *mut uv_loop_t, data: *mut c_void) {
    // SAFETY: as documented.
    unsafe { Loop::of_reading(r#loop) }.data.set(MaybeUninit::new(data));
}

/// Writes the loop's metrics to `metrics`. Returns 0.
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
    // SAFETY: as documented.
    unsafe {
        let source = &Loop::of_reading(r#loop).metrics;
        (&raw mut (*metrics).loop_count).write(source.loop_count.get());
        (&raw mut (*metrics).events).write(source.events.get());
        (&raw mut (*metrics).events_waiting).write(source.events_waiting.get());
    }
    0
}

/// Returns how long the loop has waited for events, in nanoseconds, or 0 unless it was configured with
/// `UV_METRICS_IDLE_TIME`.
///
/// Any thread. See <https://docs.libuv.org/en/v1.x/metrics.html#c.uv_metrics_idle_time>.
///
/// # Safety
/// `loop` is an initialised loop.
#[no_mangle]
pub unsafe extern "C" fn uv_metrics_idle_time(r#loop: *mut uv_loop_t) -> u64 {
    // SAFETY: as documented. Other threads may call this, so only atomics of the loop are read.
    let metrics = unsafe { &(*r#loop.cast::<Loop>()).metrics };
    let idle = metrics.idle_nanoseconds.load(Ordering::Relaxed);
    match metrics.wait_began.load(Ordering::Relaxed) {
        0 => idle,
        began => idle + sys::time::monotonic().saturating_sub(began),
    }
}
