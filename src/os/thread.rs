//! Threads.

use super::check;
use crate::abi::*;
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;

/// What a thread gets whose stack size nobody chose and for which the limit on stacks is no guide.
const DEFAULT_STACK: usize = 2 << 20;

/// The attributes of a thread to be.
struct Attributes(libc::pthread_attr_t);

impl Attributes {
    fn with_stack(size: usize) -> Result<Attributes> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: init fills the attributes in, or fails; setstacksize gets initialised ones.
        unsafe {
            check(libc::pthread_attr_init(attributes.as_mut_ptr()))?;
            let mut attributes = Attributes(attributes.assume_init());
            check(libc::pthread_attr_setstacksize(&mut attributes.0, size))?;
            Ok(attributes)
        }
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: the attributes are initialised. The call does not fail.
        unsafe { libc::pthread_attr_destroy(&mut self.0) };
    }
}

fn configuration(name: c_int) -> usize {
    // SAFETY: sysconf() takes any number.
    usize::try_from(unsafe { libc::sysconf(name) }).unwrap_or(0)
}

/// The limit that the main thread's stack has, if it makes sense as a size.
fn default_stack_size(page: usize, minimum: usize) -> usize {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: 0 };
    // SAFETY: the pointer is to a live `rlimit`. On failure the value stays as it is.
    unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) };
    if limit.rlim_cur == libc::RLIM_INFINITY {
        return DEFAULT_STACK;
    }
    // A mapping of part of a page fails.
    let size = limit.rlim_cur as usize & !(page - 1);
    if size < minimum {
        DEFAULT_STACK
    } else {
        size
    }
}

fn stack_size(wanted: usize) -> usize {
    let page = configuration(libc::_SC_PAGESIZE).max(1);
    let minimum = configuration(libc::_SC_THREAD_STACK_MIN).max(libc::PTHREAD_STACK_MIN);
    if wanted == 0 {
        return default_stack_size(page, minimum);
    }
    // A size in the last page of the address space wraps to 0, which is then the minimum.
    (wanted.wrapping_add(page - 1) & !(page - 1)).max(minimum)
}

/// # Safety
/// `tid` is memory for a thread's id, and `entry` can be called with `argument`.
unsafe fn create(
    tid: *mut uv_thread_t,
    wanted_stack: usize,
    entry: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
) -> Result {
    let attributes = Attributes::with_stack(stack_size(wanted_stack))?;
    // The function returns nothing where pthread expects a pointer. In the calling conventions of
    // Linux that is a register whose content nobody looks at: uv_thread_join() discards it. A
    // function of ours in between would need memory for the two pointers, and would be in the way of
    // what unwinds a thread's stack, as pthread_exit() does.
    // SAFETY: function pointers have one size; see above for the call.
    let entry = unsafe {
        core::mem::transmute::<
            unsafe extern "C" fn(*mut c_void),
            extern "C" fn(*mut c_void) -> *mut c_void,
        >(entry)
    };
    // SAFETY: the attributes are initialised; the rest is the caller's contract.
    check(unsafe { libc::pthread_create(tid, &attributes.0, entry, argument) })
}

/// Starts a thread that calls `entry(arg)`.
///
/// The thread has to be joined or detached. Returns 0 or an error code, such as `UV_EAGAIN`.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_create>.
///
/// # Safety
/// `tid` is memory for a thread's id, and `entry` can be called with `arg`.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_create(
    tid: *mut uv_thread_t,
    entry: uv_thread_cb,
    arg: *mut c_void,
) -> c_int {
    let Some(entry) = entry else { return Error::EINVAL.code() };
    // SAFETY: the caller's contract.
    unsafe { create(tid, 0, entry, arg) }.into_c()
}

/// As `uv_thread_create()`, with options.
///
/// `stack_size` counts if `flags` has `UV_THREAD_HAS_STACK_SIZE`. It is rounded up to a page, and
/// to the least that the system allows; 0 means the default.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_create_ex>.
///
/// # Safety
/// As for `uv_thread_create()`; `params` points to options.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_create_ex(
    tid: *mut uv_thread_t,
    params: *const uv_thread_options_t,
    entry: uv_thread_cb,
    arg: *mut c_void,
) -> c_int {
    let Some(entry) = entry else { return Error::EINVAL.code() };
    // SAFETY: the caller's contract. A field whose flag is not set may be uninitialised, and is not
    // read.
    unsafe {
        let has_size = (*params).flags & UV_THREAD_HAS_STACK_SIZE != 0;
        let size = if has_size { (*params).stack_size } else { 0 };
        create(tid, size, entry, arg)
    }
    .into_c()
}

/// The calling thread's id.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_self>.
#[no_mangle]
pub extern "C" fn uv_thread_self() -> uv_thread_t {
    // SAFETY: the call needs nothing and cannot fail.
    unsafe { libc::pthread_self() }
}

/// Waits for a thread's end, and releases it.
///
/// Returns 0 or an error code.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_join>.
///
/// # Safety
/// `tid` points to the id of a thread that is neither joined nor detached.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_join(tid: *mut uv_thread_t) -> c_int {
    // SAFETY: the caller's contract.
    check(unsafe { libc::pthread_join(*tid, core::ptr::null_mut()) }).into_c()
}

/// Lets a thread release itself when it ends: it need not be joined, and cannot be.
///
/// Returns 0 or an error code.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_detach>.
///
/// # Safety
/// `tid` points to the id of a thread that is neither joined nor detached.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_detach(tid: *mut uv_thread_t) -> c_int {
    // SAFETY: the caller's contract.
    check(unsafe { libc::pthread_detach(*tid) }).into_c()
}

/// Whether both ids are the same thread's: non-zero if so.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_equal>.
///
/// # Safety
/// Both pointers are to ids of threads.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_equal(t1: *const uv_thread_t, t2: *const uv_thread_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { libc::pthread_equal(*t1, *t2) }
}
