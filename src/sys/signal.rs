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

pub fn set_sigaction(signum: c_int, action: &libc::sigaction) -> Result {
    // SAFETY: reads the struct. The handler is one that may run in any thread at any time.
    cvt(unsafe { c::sigaction(signum, action, ptr::null_mut()) }).map(drop)
}

/// An action with this handler, every signal blocked while it runs, and these flags.
pub fn action(handler: libc::sighandler_t, flags: c_int) -> libc::sigaction {
    // SAFETY: sigaction is plain data for which all zeroes is valid.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    action.sa_mask = full_set();
    action
}

pub fn full_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigfillset initialises the set and cannot fail on a valid pointer.
    unsafe {
        c::sigfillset(set.as_mut_ptr());
        set.assume_init()
    }
}

pub fn empty_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set and cannot fail on a valid pointer.
    unsafe {
        c::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

pub fn set_of(signum: c_int) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set; sigaddset ignores a number out of range.
    unsafe {
        c::sigemptyset(set.as_mut_ptr());
        c::sigaddset(set.as_mut_ptr(), signum);
        set.assume_init()
    }
}

/// Changes the calling thread's mask (`how` is SIG_BLOCK, SIG_UNBLOCK or SIG_SETMASK) and returns
/// the mask there was before.
pub fn thread_mask(how: c_int, set: &libc::sigset_t) -> libc::sigset_t {
    let mut old = MaybeUninit::uninit();
    // SAFETY: with a valid `how` and valid sets pthread_sigmask cannot fail, and it fills in `old`.
    unsafe {
        c::pthread_sigmask(how, set, old.as_mut_ptr());
        old.assume_init()
    }
}

/// All signals blocked in the calling thread, until this is dropped.
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
