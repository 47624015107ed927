//! Signal dispositions and masks.

use super::{c, cvt, output};
use crate::abi::Result;
use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;

pub fn sigaction(signum: c_int) -> Result<libc::sigaction> {
    // SAFETY: sigaction() fills in the struct.
    unsafe { output(|action| c::sigaction(signum, ptr::null(), action)) }
}

/// # Safety
/// The handler may run on any thread at any time.
pub unsafe fn set_sigaction(signum: c_int, action: &libc::sigaction) -> Result {
    // SAFETY: as documented.
    cvt(unsafe { c::sigaction(signum, action, ptr::null_mut()) }).map(drop)
}

/// Returns an action with this handler and these flags that blocks all signals while it runs.
pub fn action(handler: libc::sighandler_t, flags: c_int) -> libc::sigaction {
    // SAFETY: all zeroes are a valid sigaction.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    action.sa_mask = full_set();
    action
}

pub fn full_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigfillset() initialises the set and cannot fail.
    unsafe {
        c::sigfillset(set.as_mut_ptr());
        set.assume_init()
    }
}

pub fn empty_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset() initialises the set and cannot fail.
    unsafe {
        c::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

pub fn set_of(signum: c_int) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset() initialises the set; sigaddset() fails for a number out of range.
    unsafe {
        c::sigemptyset(set.as_mut_ptr());
        c::sigaddset(set.as_mut_ptr(), signum);
        set.assume_init()
    }
}

/// Changes the calling thread's mask and returns the previous one. `how` is SIG_BLOCK, SIG_UNBLOCK or
/// SIG_SETMASK.
pub fn thread_mask(how: c_int, set: &libc::sigset_t) -> libc::sigset_t {
    let mut old = empty_set();
    // SAFETY: reads one set and writes the other. Fails for no `how` that is documented.
    unsafe { c::pthread_sigmask(how, set, &raw mut old) };
    old
}

/// Blocks all signals in the calling thread until it is dropped.
pub struct AllBlocked(libc::sigset_t);

impl AllBlocked {
    pub fn new() -> AllBlocked {
        AllBlocked(thread_mask(libc::SIG_SETMASK, &full_set()))
    }
}

impl Drop for AllBlocked {
    fn drop(&mut self) {
        thread_mask(libc::SIG_SETMASK, &self.0);
    }
}
