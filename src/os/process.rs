//! Processes: ids, priorities, signals and resource usage.

use super::proc_text::numbers;
use crate::abi::*;
use crate::sys::{host, process};
use core::ffi::{c_int, c_long};

/// Returns the id of this process.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_getpid>.
#[no_mangle]
pub extern "C" fn uv_os_getpid() -> uv_pid_t {
    process::id()
}

/// Returns the id of the parent process.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_getppid>.
#[no_mangle]
pub extern "C" fn uv_os_getppid() -> uv_pid_t {
    process::parent_id()
}

/// Gets the scheduling priority of a process, from -20, the highest, to 19. A `pid` of 0 means this
/// process.
///
/// Returns 0; `UV_ESRCH` if there is no such process; `UV_EINVAL` if `priority` is NULL.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_getpriority>.
///
/// # Safety
/// `priority` is NULL or good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_os_getpriority(pid: uv_pid_t, priority: *mut c_int) -> c_int {
    if priority.is_null() {
        return Error::EINVAL.code();
    }
    // SAFETY: as documented.
    process::priority(pid).map(|value| unsafe { priority.write(value) }).into_c()
}

/// Sets the scheduling priority of a process, from -20, the highest, to 19; see the `UV_PRIORITY_`
/// constants. A `pid` of 0 means this process.
///
/// Returns 0; `UV_ESRCH` if there is no such process; `UV_EINVAL` for a priority out of range;
/// `UV_EACCES` or `UV_EPERM` if that is not allowed.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_setpriority>.
#[no_mangle]
pub extern "C" fn uv_os_setpriority(pid: uv_pid_t, priority: c_int) -> c_int {
    if !(UV_PRIORITY_HIGHEST..=UV_PRIORITY_LOW).contains(&priority) {
        return Error::EINVAL.code();
    }
    process::set_priority(pid, priority).into_c()
}

/// Sends a signal to a process; a `signum` of 0 only checks whether that is possible.
///
/// Returns 0 or an error code such as `UV_ESRCH`.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_kill>.
#[no_mangle]
pub extern "C" fn uv_kill(pid: c_int, signum: c_int) -> c_int {
    process::kill(pid, signum).into_c()
}

fn resident_set() -> Result<usize> {
    let mut buffer = [0; 1024];
    let pages = parse_resident_pages(host::read_file(c"/proc/self/stat", &mut buffer)?);
    let page_size = host::configuration(libc::_SC_PAGESIZE);
    pages.zip(page_size).and_then(|(pages, size)| pages.checked_mul(size)).ok_or(Error::EINVAL)
}

/// Returns the number of resident pages in the text of `/proc/self/stat`.
pub fn parse_resident_pages(text: &[u8]) -> Option<usize> {
    // The second field is the program's name in parentheses, which may contain spaces and parentheses.
    // The number of resident pages is the 24th field.
    let name_end = text.iter().rposition(|&byte| byte == b')')?;
    numbers(&text[name_end + 1..]).nth(21).flatten()
}

/// Gets the resident memory of this process, in bytes.
///
/// Returns 0 or an error code.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_resident_set_memory>.
///
/// # Safety
/// `rss` is good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_resident_set_memory(rss: *mut usize) -> c_int {
    // SAFETY: as documented.
    resident_set().map(|bytes| unsafe { rss.write(bytes) }).into_c()
}

fn usage(who: c_int) -> Result<uv_rusage_t> {
    let time = |time: libc::timeval| uv_timeval_t { tv_sec: time.tv_sec, tv_usec: time.tv_usec };
    let count = |count: c_long| u64::try_from(count).unwrap_or(0);
    let usage = process::usage(who)?;
    Ok(uv_rusage_t {
        ru_utime: time(usage.ru_utime),
        ru_stime: time(usage.ru_stime),
        ru_maxrss: count(usage.ru_maxrss),
        ru_ixrss: count(usage.ru_ixrss),
        ru_idrss: count(usage.ru_idrss),
        ru_isrss: count(usage.ru_isrss),
        ru_minflt: count(usage.ru_minflt),
        ru_majflt: count(usage.ru_majflt),
        ru_nswap: count(usage.ru_nswap),
        ru_inblock: count(usage.ru_inblock),
        ru_oublock: count(usage.ru_oublock),
        ru_msgsnd: count(usage.ru_msgsnd),
        ru_msgrcv: count(usage.ru_msgrcv),
        ru_nsignals: count(usage.ru_nsignals),
        ru_nvcsw: count(usage.ru_nvcsw),
        ru_nivcsw: count(usage.ru_nivcsw),
    })
}

/// Gets the resources that this process has used.
///
/// Returns 0 or an error code.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_getrusage>.
///
/// # Safety
/// `rusage` is good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_getrusage(rusage: *mut uv_rusage_t) -> c_int {
    // SAFETY: as documented.
    usage(libc::RUSAGE_SELF).map(|usage| unsafe { rusage.write(usage) }).into_c()
}

/// Gets the resources that the calling thread has used.
///
/// Returns 0 or an error code.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_getrusage_thread>.
///
/// # Safety
/// `rusage` is good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_getrusage_thread(rusage: *mut uv_rusage_t) -> c_int {
    // SAFETY: as documented.
    usage(libc::RUSAGE_THREAD).map(|usage| unsafe { rusage.write(usage) }).into_c()
}
