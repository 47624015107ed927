//! Threads: creation, affinity, priority and names.

use super::{c, check, cvt};
use crate::abi::{Error, Result};
use core::ffi::{c_char, c_int, c_void, CStr};
use core::mem::{size_of, MaybeUninit};

/// Room for the longest name and a NUL.
pub type Name = [u8; 16];

/// The attributes of a new thread.
struct Attributes(libc::pthread_attr_t);

impl Attributes {
    fn with_stack(size: usize) -> Result<Attributes> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: pthread_attr_init() fills in the attributes or fails.
        unsafe {
            check(c::pthread_attr_init(attributes.as_mut_ptr()))?;
            let mut attributes = Attributes(attributes.assume_init());
            check(c::pthread_attr_setstacksize(&raw mut attributes.0, size))?;
            Ok(attributes)
        }
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: the attributes are initialised. This never fails.
        unsafe { c::pthread_attr_destroy(&raw mut self.0) };
    }
}

/// Starts a thread, which must be joined or detached. Its id is stored before it runs.
///
/// # Safety
/// `id` is memory for an id, and `entry` can be called with `argument` on another thread.
pub unsafe fn create(
    id: *mut libc::pthread_t,
    stack_size: usize,
    entry: extern "C-unwind" fn(*mut c_void) -> *mut c_void,
    argument: *mut c_void,
) -> Result {
    let attributes = Attributes::with_stack(stack_size)?;
    // SAFETY: the types differ only in whether Rust code may assume that a call does not unwind. The
    // caller is the C library, whose threads may unwind.
    let entry = unsafe {
        core::mem::transmute::<
            extern "C-unwind" fn(*mut c_void) -> *mut c_void,
            extern "C" fn(*mut c_void) -> *mut c_void,
        >(entry)
    };
    // SAFETY: the attributes are initialised; the rest as documented.
    check(unsafe { c::pthread_create(id, &raw const attributes.0, entry, argument) })
}

/// Waits for the end of a thread.
///
/// # Safety
/// The thread is neither joined nor detached, and is not the calling one.
pub unsafe fn join(thread: libc::pthread_t) {
    // SAFETY: as documented, with which the call does not fail.
    unsafe { c::pthread_join(thread, core::ptr::null_mut()) };
}

/// Returns the id of the calling thread.
pub fn current() -> libc::pthread_t {
    // SAFETY: takes nothing.
    unsafe { c::pthread_self() }
}

/// Returns the thread pointer, which is the number [`current`] with glibc and musl.
#[inline(always)]
pub fn pointer() -> usize {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: the first word of the thread's control block is its address, as the ABI prescribes.
    unsafe {
        let pointer: usize;
        core::arch::asm!("mov {}, fs:[0]", out(reg) pointer,
            options(nostack, pure, readonly, preserves_flags));
        pointer
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        current() as usize
    }
}

/// Sets the name of the calling thread, of at most 15 bytes.
pub fn set_name(name: &CStr) -> Result {
    // SAFETY: reads a string.
    check(unsafe { c::pthread_setname_np(current(), name.as_ptr()) })
}

/// # Safety
/// The thread exists.
pub unsafe fn name(thread: libc::pthread_t, buffer: &mut Name) -> Result<&CStr> {
    // SAFETY: as documented, and the length is the buffer's.
    let result = unsafe {
        c::pthread_getname_np(thread, buffer.as_mut_ptr().cast::<c_char>(), buffer.len())
    };
    check(result)?;
    CStr::from_bytes_until_nul(buffer).map_err(|_| Error::ERANGE)
}

/// Returns the CPUs that a thread may run on.
///
/// # Safety
/// The thread exists.
pub unsafe fn affinity(thread: libc::pthread_t) -> Result<libc::cpu_set_t> {
    let mut set = MaybeUninit::zeroed();
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: as documented; zeroes are a valid set.
    unsafe {
        check(c::pthread_getaffinity_np(thread, size, set.as_mut_ptr()))?;
        Ok(set.assume_init())
    }
}

/// # Safety
/// The thread exists.
pub unsafe fn set_affinity(thread: libc::pthread_t, set: &libc::cpu_set_t) -> Result {
    // SAFETY: as documented.
    check(unsafe { c::pthread_setaffinity_np(thread, size_of::<libc::cpu_set_t>(), set) })
}

/// Returns the CPU that the calling thread runs on.
pub fn cpu() -> Result<c_int> {
    // SAFETY: takes nothing.
    cvt(unsafe { c::sched_getcpu() })
}

/// Returns a thread's scheduling policy and its priority within that policy.
///
/// # Safety
/// The thread exists.
pub unsafe fn scheduling(thread: libc::pthread_t) -> Result<(c_int, libc::sched_param)> {
    let mut policy = 0;
    let mut parameters = MaybeUninit::uninit();
    // SAFETY: as documented; on success both are filled in.
    unsafe {
        check(c::pthread_getschedparam(thread, &raw mut policy, parameters.as_mut_ptr()))?;
        Ok((policy, parameters.assume_init()))
    }
}

/// # Safety
/// The thread exists.
pub unsafe fn set_scheduling(
    thread: libc::pthread_t,
    policy: c_int,
    parameters: &libc::sched_param,
) -> Result {
    // SAFETY: as documented.
    check(unsafe { c::pthread_setschedparam(thread, policy, parameters) })
}

/// Returns the lowest and the highest priority of a scheduling policy.
pub fn priority_range(policy: c_int) -> Result<(c_int, c_int)> {
    // SAFETY: both take integers.
    unsafe {
        Ok((cvt(c::sched_get_priority_min(policy))?, cvt(c::sched_get_priority_max(policy))?))
    }
}
