//! Processes and their priorities, resources and names.

use super::{c, cvt, errno, output, set_errno};
use crate::abi::{Error, Result};
use core::ffi::{c_int, CStr};

pub fn id() -> libc::pid_t {
    // SAFETY: the call needs nothing and cannot fail.
    unsafe { c::getpid() }
}

pub fn parent_id() -> libc::pid_t {
    // SAFETY: the call needs nothing and cannot fail.
    unsafe { c::getppid() }
}

/// The kernel's id of the calling thread.
pub fn thread_id() -> libc::pid_t {
    // SAFETY: the call needs nothing and cannot fail.
    unsafe { c::gettid() }
}

pub fn kill(pid: libc::pid_t, signal: c_int) -> Result {
    // SAFETY: takes integers.
    cvt(unsafe { c::kill(pid, signal) }).map(drop)
}

/// The nice value of a process or thread; 0 is the caller.
pub fn priority(id: libc::pid_t) -> Result<c_int> {
    // -1 is a priority too.
    set_errno(0);
    let id = id as libc::id_t;
    // SAFETY: the call takes any id.
    match unsafe { c::getpriority(libc::PRIO_PROCESS, id) } {
        -1 if errno() != 0 => Err(Error::last()),
        priority => Ok(priority),
    }
}

pub fn set_priority(id: libc::pid_t, priority: c_int) -> Result {
    let id = id as libc::id_t;
    // SAFETY: takes integers.
    cvt(unsafe { c::setpriority(libc::PRIO_PROCESS, id, priority) }).map(drop)
}

/// The resources that `who` used: RUSAGE_SELF or RUSAGE_THREAD.
pub fn usage(who: c_int) -> Result<libc::rusage> {
    // SAFETY: getrusage() fills in the struct.
    unsafe { output(|usage| c::getrusage(who, usage)) }
}

/// The soft limit of a resource; RLIM_INFINITY if there is none or it is not known.
pub fn limit(resource: libc::__rlimit_resource_t) -> u64 {
    // SAFETY: getrlimit() fills in the struct.
    let limit: Result<libc::rlimit> = unsafe { output(|limit| c::getrlimit(resource, limit)) };
    limit.map_or(libc::RLIM_INFINITY, |limit| limit.rlim_cur)
}

/// Gives the calling thread a name, of which the kernel keeps 15 bytes.
pub fn set_thread_name(name: &CStr) {
    // SAFETY: PR_SET_NAME reads a string.
    unsafe { c::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}
