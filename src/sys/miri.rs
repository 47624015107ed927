//! Functions of the C library that Miri lacks, for `make miri` only.
//!
//! Miri resolves a C function that it does not know to an exported function of the same name, so the
//! replacements below serve the crates that call C as well. Those that replace what Miri has in part
//! are named in `c.rs`.
//!
//! | replaced | by |
//! | --- | --- |
//! | `clock_getres` | a failure: the loop reads the precise clock |
//! | `pthread_attr_*`, `pthread_rwlock_init`, `pthread_equal` | the attributes are ignored |
//! | `sysconf(_SC_THREAD_STACK_MIN)`, `getrlimit` | constants |
//! | `sigaction`, `kill`, `sigfillset`, `sigemptyset`, `sigaddset`, `pthread_sigmask` | a table of dispositions; `kill` calls the handler at once, no signal is blocked |
//! | `syscall(SYS_write)` | `write` |
//! | `statx` | `statx`, which fills in all fields here |
//! | `epoll_ctl`, `read`, `write`, `readv`, `writev`, `accept4` | what is registered level-triggered is edge-triggered, and reported again after each call |
//! | `ioctl(FIONBIO)` | `fcntl` |
//! | `shutdown` of a socketpair | nothing: the other end sees the end when this one is closed |
//! | `poll` | every event that is asked for is there |
//! | `fstat64`, `access`, `mkdtemp` | `statx`, `mkdir` |
//! | `qsort` | an insertion sort |
//! | `sendmsg`, `recvmsg` on streams | `write`, `read`; descriptors go through a queue of the process |
//! | UDP sockets: `socket`, `bind`, `connect`, `getsockname`, `getpeername`, `close`, `setsockopt`, `getsockopt`, `sendto`, `sendmsg`, `sendmmsg`, `recvfrom`, `recvmsg`, `recvmmsg` | one end of a socketpair for each; `miri/datagram.rs` routes by port |
//!
//! Not replaced, so what needs it does not run: child processes (`clone`, `execve`, `waitid`),
//! `fork`, io_uring (`mmap`), inotify, listening UNIX sockets, terminals, `getnameinfo`, `dlopen`,
//! semaphores, barriers, scheduling, users, interfaces, `statfs`, times, owners and hard links of
//! files, `copy_file_range` and `sendfile`.
//!
//! # Safety
//! Each function has the contract of the C function of its name.
#![allow(unsafe_op_in_unsafe_fn, clippy::missing_safety_doc)]

mod datagram;
pub use datagram::*;

use core::ffi::{c_char, c_int, c_long, c_void};
use core::mem::{zeroed, MaybeUninit};
use core::ptr;
use std::collections::BTreeMap;
use std::sync::Mutex;

fn fail(errno: c_int) -> c_int {
    crate::sys::set_errno(errno);
    -1
}

#[no_mangle]
extern "C" fn clock_getres(_: libc::clockid_t, _: *mut libc::timespec) -> c_int {
    fail(libc::EINVAL)
}

// ---- threads -------------------------------------------------------------------------------

pub unsafe extern "C" fn pthread_attr_init(attributes: *mut libc::pthread_attr_t) -> c_int {
    attributes.write(zeroed());
    0
}

pub unsafe extern "C" fn pthread_attr_destroy(_: *mut libc::pthread_attr_t) -> c_int {
    0
}

pub unsafe extern "C" fn pthread_attr_setstacksize(
    _: *mut libc::pthread_attr_t,
    _: usize,
) -> c_int {
    0
}

pub unsafe extern "C" fn sysconf(name: c_int) -> c_long {
    match name {
        libc::_SC_THREAD_STACK_MIN => 16_384,
        _ => libc::sysconf(name),
    }
}

#[no_mangle]
unsafe extern "C" fn getrlimit(_: libc::__rlimit_resource_t, limit: *mut libc::rlimit) -> c_int {
    let unlimited = libc::RLIM_INFINITY;
    limit.write(libc::rlimit { rlim_cur: unlimited, rlim_max: unlimited });
    0
}

#[no_mangle]
extern "C" fn pthread_equal(one: libc::pthread_t, other: libc::pthread_t) -> c_int {
    c_int::from(one == other)
}

#[no_mangle]
unsafe extern "C" fn pthread_rwlock_init(
    lock: *mut libc::pthread_rwlock_t,
    _: *const libc::pthread_rwlockattr_t,
) -> c_int {
    lock.write(libc::PTHREAD_RWLOCK_INITIALIZER);
    0
}

// ---- signals -------------------------------------------------------------------------------

static DISPOSITIONS: Mutex<[Option<libc::sigaction>; 65]> = Mutex::new([None; 65]);

#[no_mangle]
unsafe extern "C" fn sigaction(
    signum: c_int,
    new: *const libc::sigaction,
    old: *mut libc::sigaction,
) -> c_int {
    if !(1..=64).contains(&signum) || signum == libc::SIGKILL || signum == libc::SIGSTOP {
        return fail(libc::EINVAL);
    }
    let mut dispositions = DISPOSITIONS.lock().unwrap();
    let disposition = &mut dispositions[signum as usize];
    if !old.is_null() {
        old.write(disposition.unwrap_or(zeroed()));
    }
    if !new.is_null() {
        *disposition = Some(new.read());
    }
    0
}

#[no_mangle]
unsafe extern "C" fn kill(_: libc::pid_t, signum: c_int) -> c_int {
    let disposition = DISPOSITIONS.lock().unwrap()[signum as usize];
    let action = disposition.expect("the default action is to end the process");
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
        core::mem::transmute(ptr::with_exposed_provenance::<()>(action.sa_sigaction));
    let mut info: libc::siginfo_t = zeroed();
    info.si_signo = signum;
    handler(signum, &mut info, ptr::null_mut());
    0
}

#[no_mangle]
unsafe extern "C" fn sigfillset(set: *mut libc::sigset_t) -> c_int {
    set.write(zeroed());
    0
}

#[no_mangle]
unsafe extern "C" fn sigemptyset(set: *mut libc::sigset_t) -> c_int {
    set.write(zeroed());
    0
}

#[no_mangle]
extern "C" fn sigaddset(_: *mut libc::sigset_t, _: c_int) -> c_int {
    0
}

#[no_mangle]
unsafe extern "C" fn pthread_sigmask(
    _: c_int,
    _: *const libc::sigset_t,
    old: *mut libc::sigset_t,
) -> c_int {
    if !old.is_null() {
        old.write(zeroed());
    }
    0
}

// ---- descriptors ---------------------------------------------------------------------------

/// The level-triggered registrations by descriptor: epoll descriptor, events, data.
static LEVEL: Mutex<BTreeMap<c_int, (c_int, u32, u64)>> = Mutex::new(BTreeMap::new());

/// Registers everything edge-triggered, which is all that Miri has.
pub unsafe extern "C" fn epoll_ctl(
    epoll: c_int,
    operation: c_int,
    fd: c_int,
    event: *mut libc::epoll_event,
) -> c_int {
    let libc::epoll_event { events, u64: token } = event.read();
    let known = (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET) as u32;
    (*event).events = events & known | libc::EPOLLET as u32;
    if operation == libc::EPOLL_CTL_DEL {
        LEVEL.lock().unwrap().remove(&fd);
    } else if events & libc::EPOLLET as u32 == 0 {
        LEVEL.lock().unwrap().insert(fd, (epoll, events, token));
    }
    libc::epoll_ctl(epoll, operation, fd, event)
}

/// Has what a level-triggered descriptor is ready for reported again.
fn report_again(fd: c_int) {
    let Some((epoll, events, u64)) = LEVEL.lock().unwrap().get(&fd).copied() else { return };
    let errno = crate::sys::errno();
    // SAFETY: the event is one. A descriptor that was closed without being deregistered fails.
    unsafe { epoll_ctl(epoll, libc::EPOLL_CTL_MOD, fd, &mut libc::epoll_event { events, u64 }) };
    crate::sys::set_errno(errno);
}

/// Replaces functions of a descriptor after which it is reported again.
macro_rules! reporting {
    ($(fn $name:ident($fd:ident: c_int $(, $argument:ident: $type:ty)*) -> $result:ty;)*) => {$(
        pub unsafe extern "C" fn $name($fd: c_int $(, $argument: $type)*) -> $result {
            let result = libc::$name($fd $(, $argument)*);
            report_again($fd);
            result
        }
    )*};
}

reporting! {
    fn read(fd: c_int, bytes: *mut c_void, length: usize) -> isize;
    fn write(fd: c_int, bytes: *const c_void, length: usize) -> isize;
    fn readv(fd: c_int, parts: *const libc::iovec, count: c_int) -> isize;
    fn writev(fd: c_int, parts: *const libc::iovec, count: c_int) -> isize;
    fn accept4(
        fd: c_int, to: *mut libc::sockaddr, length: *mut libc::socklen_t, flags: c_int
    ) -> c_int;
}

pub unsafe fn ioctl<T>(fd: c_int, request: libc::c_ulong, argument: T) -> c_int {
    if request != libc::FIONBIO {
        return fail(libc::ENOTTY);
    }
    let on = (&raw const argument).cast::<*const c_int>().read();
    let flags = libc::fcntl(fd, libc::F_GETFL) & !libc::O_NONBLOCK;
    libc::fcntl(fd, libc::F_SETFL, flags | if *on != 0 { libc::O_NONBLOCK } else { 0 })
}

pub unsafe extern "C" fn shutdown(fd: c_int, how: c_int) -> c_int {
    match libc::shutdown(fd, how) {
        -1 if crate::sys::errno() == libc::ENOTSOCK => 0,
        result => result,
    }
}

#[no_mangle]
unsafe extern "C" fn poll(asked: *mut libc::pollfd, count: libc::nfds_t, _: c_int) -> c_int {
    for asked in core::slice::from_raw_parts_mut(asked, count as usize) {
        asked.revents = asked.events;
    }
    count as c_int
}

// ---- files ---------------------------------------------------------------------------------

pub unsafe extern "C" fn statx(
    directory: c_int,
    path: *const c_char,
    flags: c_int,
    mask: libc::c_uint,
    to: *mut libc::statx,
) -> c_int {
    to.write(zeroed());
    libc::statx(directory, path, flags, mask, to)
}

#[no_mangle]
unsafe extern "C" fn fstat64(fd: c_int, to: *mut libc::stat64) -> c_int {
    let mut found = MaybeUninit::<libc::statx>::uninit();
    let (path, flags) = (c"".as_ptr(), libc::AT_EMPTY_PATH);
    let result = statx(fd, path, flags, libc::STATX_BASIC_STATS, found.as_mut_ptr());
    if result == 0 {
        let found = found.assume_init();
        let mut stat: libc::stat64 = zeroed();
        stat.st_mode = found.stx_mode.into();
        stat.st_size = found.stx_size as _;
        to.write(stat);
    }
    result
}

#[no_mangle]
unsafe extern "C" fn access(path: *const c_char, _: c_int) -> c_int {
    let mut found = MaybeUninit::<libc::statx>::uninit();
    statx(libc::AT_FDCWD, path, 0, libc::STATX_BASIC_STATS, found.as_mut_ptr())
}

#[no_mangle]
unsafe extern "C" fn mkdtemp(template: *mut c_char) -> *mut c_char {
    let end = template.add(libc::strlen(template) - 6);
    for number in 0u32.. {
        let digits = format!("{number:06}");
        ptr::copy_nonoverlapping(digits.as_ptr().cast(), end, 6);
        if libc::mkdir(template, 0o700) == 0 {
            return template;
        }
        if crate::sys::errno() != libc::EEXIST {
            break;
        }
    }
    ptr::null_mut()
}

// ---- sorting -------------------------------------------------------------------------------

type Compare = unsafe extern "C" fn(*const c_void, *const c_void) -> c_int;

#[no_mangle]
unsafe extern "C" fn qsort(
    base: *mut c_void,
    count: libc::size_t,
    size: libc::size_t,
    compare: Option<Compare>,
) {
    let Some(compare) = compare else { return };
    let at = |index: usize| base.cast::<u8>().add(index * size);
    for end in 1..count {
        let mut index = end;
        while index > 0 && compare(at(index - 1).cast(), at(index).cast()) > 0 {
            ptr::swap_nonoverlapping(at(index - 1), at(index), size);
            index -= 1;
        }
    }
}
