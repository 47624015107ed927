//! Processes and their priorities, resources and names.

use super::{c, cvt, errno, output, set_errno};
use crate::abi::{Error, Result};
use core::ffi::{c_int, CStr};
use core::sync::atomic::{AtomicU32, Ordering};

pub fn id() -> libc::pid_t {
    // SAFETY: takes nothing.
    unsafe { c::getpid() }
}

pub fn parent_id() -> libc::pid_t {
    // SAFETY: takes nothing.
    unsafe { c::getppid() }
}

/// Returns the kernel's id of the calling thread.
pub fn thread_id() -> libc::pid_t {
    // SAFETY: takes nothing.
    unsafe { c::gettid() }
}

pub fn kill(pid: libc::pid_t, signal: c_int) -> Result {
    // SAFETY: takes integers.
    cvt(unsafe { c::kill(pid, signal) }).map(drop)
}

/// Returns a process id in the type that the priority functions take.
fn id_of(pid: libc::pid_t) -> libc::id_t {
    libc::id_t::from_ne_bytes(pid.to_ne_bytes())
}

/// Returns the nice value of a process or thread; 0 is the caller.
pub fn priority(id: libc::pid_t) -> Result<c_int> {
    // -1 is also a valid priority.
    set_errno(0);
    // SAFETY: takes integers.
    match unsafe { c::getpriority(libc::PRIO_PROCESS, id_of(id)) } {
        -1 if errno() != 0 => Err(Error::last()),
        priority => Ok(priority),
    }
}

pub fn set_priority(id: libc::pid_t, priority: c_int) -> Result {
    // SAFETY: takes integers.
    cvt(unsafe { c::setpriority(libc::PRIO_PROCESS, id_of(id), priority) }).map(drop)
}

/// Returns the resources that `who` used: RUSAGE_SELF or RUSAGE_THREAD.
pub fn usage(who: c_int) -> Result<libc::rusage> {
    // SAFETY: getrusage() fills in the struct.
    unsafe { output(|usage| c::getrusage(who, usage)) }
}

#[cfg(target_env = "gnu")]
pub type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
pub type Resource = c_int;

/// Returns the soft limit of a resource, RLIM_INFINITY if there is none or it is unknown.
pub fn limit(resource: Resource) -> u64 {
    // SAFETY: getrlimit() fills in the struct.
    let limit: Result<libc::rlimit> = unsafe { output(|limit| c::getrlimit(resource, limit)) };
    limit.map_or(libc::RLIM_INFINITY, |limit| limit.rlim_cur)
}

/// Sets the name of the calling thread, of which the kernel keeps 15 bytes.
pub fn set_thread_name(name: &CStr) {
    // SAFETY: PR_SET_NAME reads a string.
    unsafe { c::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Writes the name of the calling thread and a NUL.
pub fn thread_name(name: &mut [u8; 16]) {
    // SAFETY: PR_GET_NAME writes at most 16 bytes.
    unsafe { c::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
}

/// Returns the number of forks between the first process and this one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Returns a number that differs between a process and its child.
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Counts a fork, in the child.
pub fn count_fork() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
