//! Threads.

use crate::abi::*;
use crate::ffi::{text, TextOut};
use crate::sys::c;
use crate::sys::check;
use crate::sys::{host, process, thread};
use core::ffi::{c_char, c_int, c_void, CStr};

/// The default stack size if the limit on stacks is not usable.
const DEFAULT_STACK: usize = 2 << 20;

/// The number of CPUs in a set of the C library.
const CPUS: usize = libc::CPU_SETSIZE as usize;

/// Returns the limit of the main thread's stack, if it is a valid stack size.
fn default_stack_size(page: usize, minimum: usize) -> usize {
    let limit = process::limit(libc::RLIMIT_STACK);
    // The size of a mapping must be a multiple of the page size.
    let size = usize::try_from(limit).unwrap_or(usize::MAX) & !(page - 1);
    if limit == libc::RLIM_INFINITY || size < minimum {
        DEFAULT_STACK
    } else {
        size
    }
}

fn stack_size(wanted: usize) -> usize {
    let page = host::configuration(libc::_SC_PAGESIZE).unwrap_or(4096);
    let minimum = host::configuration(libc::_SC_THREAD_STACK_MIN).unwrap_or(0);
    let minimum = minimum.max(libc::PTHREAD_STACK_MIN);
    if wanted == 0 {
        return default_stack_size(page, minimum);
    }
    // A size in the last page of the address space wraps to 0 and becomes the minimum.
    (wanted.wrapping_add(page - 1) & !(page - 1)).max(minimum)
}

/// # Safety
/// `tid` is memory for a thread's id, and `entry` can be called with `argument`.
unsafe fn create(
    tid: *mut uv_thread_t,
    wanted_stack: usize,
    entry: unsafe extern "C-unwind" fn(*mut c_void),
    argument: *mut c_void,
) -> Result {
    // A wrapper function would need memory for the two pointers.
    // SAFETY: function pointers have one size. The function returns nothing where pthread expects a
    // pointer: in the calling conventions of Linux that is a register, which uv_thread_join() ignores.
    let entry = unsafe {
        core::mem::transmute::<
            unsafe extern "C-unwind" fn(*mut c_void),
            extern "C-unwind" fn(*mut c_void) -> *mut c_void,
        >(entry)
    };
    // SAFETY: as documented.
    unsafe { thread::create(tid, stack_size(wanted_stack), entry, argument) }
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
    // SAFETY: as documented.
    unsafe { create(tid, 0, entry, arg) }.into_c()
}

/// Like `uv_thread_create()`, with options.
///
/// `stack_size` is used if `flags` has `UV_THREAD_HAS_STACK_SIZE`. It is rounded up to a multiple of the
/// page size and to the minimum of the system; 0 means the default.
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
    // SAFETY: as documented. A field without its flag may be uninitialised and is not read.
    unsafe {
        let has_size = (*params).flags & UV_THREAD_HAS_STACK_SIZE != 0;
        let size = if has_size { (*params).stack_size } else { 0 };
        create(tid, size, entry, arg)
    }
    .into_c()
}

/// Returns the id of the calling thread.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_self>.
#[no_mangle]
pub extern "C" fn uv_thread_self() -> uv_thread_t {
    thread::current()
}

/// Waits for the end of a thread and releases it.
///
/// Returns 0 or an error code.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_join>.
///
/// # Safety
/// `tid` points to the id of a thread that is neither joined nor detached.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_join(tid: *mut uv_thread_t) -> c_int {
    // SAFETY: as documented.
    check(unsafe { c::pthread_join(*tid, core::ptr::null_mut()) }).into_c()
}

/// Detaches a thread: it releases its resources when it ends, and cannot be joined.
///
/// Returns 0 or an error code.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_detach>.
///
/// # Safety
/// `tid` points to the id of a thread that is neither joined nor detached.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_detach(tid: *mut uv_thread_t) -> c_int {
    // SAFETY: as documented.
    check(unsafe { c::pthread_detach(*tid) }).into_c()
}

/// Returns non-zero if both ids are those of the same thread.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_equal>.
///
/// # Safety
/// Both pointers point to ids of threads.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_equal(t1: *const uv_thread_t, t2: *const uv_thread_t) -> c_int {
    // SAFETY: as documented.
    unsafe { c::pthread_equal(*t1, *t2) }
}

/// Sets the name of the calling thread, truncated to 15 bytes.
///
/// Returns 0, or `UV_EINVAL` for NULL.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_setname>.
///
/// # Safety
/// `name` is NULL or a string.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_setname(name: *const c_char) -> c_int {
    let set = || {
        // SAFETY: as documented.
        let name = unsafe { text(name)? }.to_bytes();
        let mut cut: thread::Name = [0; 16];
        let length = name.len().min(cut.len() - 1);
        cut[..length].copy_from_slice(&name[..length]);
        thread::set_name(CStr::from_bytes_until_nul(&cut).map_err(|_| Error::EINVAL)?)
    };
    set().into_c()
}

/// Gets the name of a thread, truncated to `size` bytes with its NUL.
///
/// Returns 0, `UV_EINVAL` if `name` is NULL or `size` is 0, or another error code.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_getname>.
///
/// # Safety
/// `tid` points to the id of a thread that runs, and `name` is NULL or has room for `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_getname(
    tid: *mut uv_thread_t,
    name: *mut c_char,
    mut size: usize,
) -> c_int {
    let mut get = || {
        // SAFETY: as documented.
        unsafe {
            let out = TextOut::new(name, &raw mut size)?;
            out.put_cut(thread::name(*tid, &mut [0; 16])?.to_bytes());
        }
        Ok(())
    };
    get().into_c()
}

/// Returns the number of entries of a CPU mask: how many CPUs the C library supports.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_cpumask_size>.
#[no_mangle]
pub extern "C" fn uv_cpumask_size() -> c_int {
    libc::CPU_SETSIZE
}

/// Fails unless a CPU mask of `size` entries has one for each CPU of a set.
fn check_mask_size(size: usize) -> Result {
    if size < CPUS {
        return Err(Error::EINVAL);
    }
    Ok(())
}

/// # Safety
/// `tid` points to the id of a thread that runs, and `mask` has room for `size` entries.
unsafe fn get_affinity(tid: *mut uv_thread_t, mask: *mut c_char, size: usize) -> Result {
    check_mask_size(size)?;
    // SAFETY: as documented; the set and the mask have an entry for each CPU.
    unsafe {
        let set = thread::affinity(*tid)?;
        for cpu in 0..CPUS {
            mask.add(cpu).write(c_char::from(libc::CPU_ISSET(cpu, &set)));
        }
    }
    Ok(())
}

/// # Safety
/// `tid` points to the id of a thread that runs, and `mask` has `size` entries.
unsafe fn set_affinity(tid: *mut uv_thread_t, mask: *const c_char, size: usize) -> Result {
    check_mask_size(size)?;
    // SAFETY: as documented; the set and the mask have an entry for each CPU, and zeroes are an empty
    // set.
    unsafe {
        let mut set = core::mem::zeroed();
        for cpu in (0..CPUS).filter(|&cpu| mask.add(cpu).read() != 0) {
            libc::CPU_SET(cpu, &mut set);
        }
        thread::set_affinity(*tid, &set)
    }
}

/// Sets the CPUs that a thread may run on: those whose entry in `cpumask` is not 0. Stores the previous
/// ones in `oldmask`, unless that is NULL. Both masks have `mask_size` entries, at least
/// `uv_cpumask_size()`.
///
/// Returns 0, `UV_EINVAL` if the masks are too small or no CPU is left to run on, or another error
/// code. See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_setaffinity>.
///
/// # Safety
/// `tid` points to the id of a thread that runs; the masks have `mask_size` entries.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_setaffinity(
    tid: *mut uv_thread_t,
    cpumask: *mut c_char,
    oldmask: *mut c_char,
    mask_size: usize,
) -> c_int {
    let set = || {
        // SAFETY: as documented.
        unsafe {
            if !oldmask.is_null() {
                get_affinity(tid, oldmask, mask_size)?;
            }
            set_affinity(tid, cpumask, mask_size)
        }
    };
    set().into_c()
}

/// Gets the CPUs that a thread may run on: sets their entries in `cpumask` to 1 and the others to 0.
/// The mask has `mask_size` entries, at least `uv_cpumask_size()`.
///
/// Returns 0, `UV_EINVAL` if the mask is too small, or another error code.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_getaffinity>.
///
/// # Safety
/// `tid` points to the id of a thread that runs; the mask has `mask_size` entries.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_getaffinity(
    tid: *mut uv_thread_t,
    cpumask: *mut c_char,
    mask_size: usize,
) -> c_int {
    // SAFETY: as documented.
    unsafe { get_affinity(tid, cpumask, mask_size) }.into_c()
}

/// Returns the number of the CPU that the calling thread runs on, or an error code.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_getcpu>.
#[no_mangle]
pub extern "C" fn uv_thread_getcpu() -> c_int {
    thread::cpu().into_c()
}

/// Returns whether the thread is the calling one and its priority is its nice value. Nice values of
/// other threads are not accessible, as pthread does not expose kernel ids.
fn is_nice_here(tid: uv_thread_t, policy: c_int) -> bool {
    // SAFETY: compares ids.
    policy == libc::SCHED_OTHER && unsafe { c::pthread_equal(tid, thread::current()) != 0 }
}

/// # Safety
/// The thread runs.
unsafe fn priority(tid: uv_thread_t) -> Result<c_int> {
    // SAFETY: as documented.
    let (policy, parameters) = unsafe { thread::scheduling(tid)? };
    if is_nice_here(tid, policy) {
        return process::priority(process::thread_id());
    }
    Ok(parameters.sched_priority)
}

/// # Safety
/// The thread runs.
unsafe fn set_priority(tid: uv_thread_t, level: c_int) -> Result {
    // SAFETY: as documented.
    let (policy, mut parameters) = unsafe { thread::scheduling(tid)? };
    if is_nice_here(tid, policy) {
        return process::set_priority(process::thread_id(), -2 * level);
    }
    // There are five levels, from the lowest priority of the policy to the highest.
    let (lowest, highest) = thread::priority_range(policy)?;
    let step = level - UV_THREAD_PRIORITY_LOWEST;
    parameters.sched_priority = lowest + (highest - lowest) * step / 4;
    // SAFETY: as documented.
    unsafe { thread::set_scheduling(tid, policy, &parameters) }
}

/// Gets the priority of a thread within its scheduling policy. With the default policy that is the nice
/// value of the calling thread, and 0 for other threads.
///
/// Returns 0, `UV_EINVAL` if `priority` is NULL, or another error code.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_getpriority>.
///
/// # Safety
/// `tid` is the id of a thread that runs; `priority` is NULL or good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_getpriority(tid: uv_thread_t, priority: *mut c_int) -> c_int {
    if priority.is_null() {
        return Error::EINVAL.code();
    }
    // SAFETY: as documented.
    unsafe { self::priority(tid).map(|value| priority.write(value)) }.into_c()
}

/// Sets the priority of a thread to one of the `UV_THREAD_PRIORITY_` constants. With the default policy it
/// has an effect only on the calling thread.
///
/// Returns 0; `UV_EINVAL` for another number; `UV_EACCES` or `UV_EPERM` if that is not allowed.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_setpriority>.
///
/// # Safety
/// `tid` is the id of a thread that runs.
#[no_mangle]
pub unsafe extern "C" fn uv_thread_setpriority(tid: uv_thread_t, priority: c_int) -> c_int {
    if !(UV_THREAD_PRIORITY_LOWEST..=UV_THREAD_PRIORITY_HIGHEST).contains(&priority) {
        return Error::EINVAL.code();
    }
    // SAFETY: as documented.
    unsafe { set_priority(tid, priority) }.into_c()
}
