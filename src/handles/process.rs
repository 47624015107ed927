//! Process handles: programs that run in child processes.
//!
//! The end of a child is announced by SIGCHLD, which a loop watches while it has process handles.
//! Each of its children is then asked for by its own id, because others belong to other loops or to
//! the program that uses the library.

use super::stream::Stream;
use super::{flag, Handle};
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, padding, Overlay, Padding};
use crate::list::{container_of, Link, List};
use crate::memory::Array;
use crate::sys::spawn::{Program, Source};
use crate::sys::{self, socket, spawn};
use core::cell::Cell;
use core::ffi::{c_int, c_uint};

#[repr(C)]
pub struct Process {
    handle: Handle,
    callback: Cell<uv_exit_cb>,
    pid: Cell<c_int>,
    padding: Padding<4>,
    /// In the loop's list of children that run.
    link: Link,
    /// How the child ended, as `waitpid(2)` says it.
    status: Cell<c_int>,
    end: Padding<4>,
}

overlay!(Process { handle, callback, pid, padding, link, status, end } => uv_process_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Process, callback) == offset_of!(uv_process_t, exit_cb));
    assert!(offset_of!(Process, pid) == offset_of!(uv_process_t, pid));
    assert!(offset_of!(Process, status) == offset_of!(uv_process_t, status));
};

/// A connection between a stream of the parent and a descriptor of the child.
#[derive(Clone, Copy)]
struct Connection {
    stream: *const Stream,
    /// In which directions the stream can be used.
    flags: u32,
    parent_end: c_int,
    child_end: c_int,
}

/// What the child has as its descriptors, made ready before it is started.
struct Stdio {
    sources: Array<Source>,
    connections: Array<Connection>,
}

/// The least that the buffers of a connection hold, in bytes.
const BUFFER_SIZE: c_int = 64 * 1024;

impl Stdio {
    /// # Safety
    /// The containers are initialised, and their streams are initialised handles.
    unsafe fn new(containers: &[uv_stdio_container_t]) -> Result<Stdio> {
        let mut stdio = Stdio { sources: Array::new(), connections: Array::new() };
        for container in containers {
            // SAFETY: the caller's contract.
            unsafe { stdio.add(container)? };
        }
        while stdio.sources.len() < 3 {
            stdio.sources.push(Source { fd: -1, make_blocking: false })?;
        }
        Ok(stdio)
    }

    /// # Safety
    /// As for [`Stdio::new`].
    unsafe fn add(&mut self, container: &uv_stdio_container_t) -> Result {
        const KINDS: uv_stdio_flags = UV_CREATE_PIPE | UV_INHERIT_FD | UV_INHERIT_STREAM;
        // SAFETY: the flags say which field of `data` is meant.
        let fd = unsafe {
            match container.flags & KINDS {
                UV_IGNORE => -1,
                UV_CREATE_PIPE => {
                    let fd = self.connect(container.data.stream, container.flags)?;
                    return self.sources.push(Source { fd, make_blocking: false });
                }
                UV_INHERIT_FD if container.data.fd >= 0 => container.data.fd,
                UV_INHERIT_STREAM => {
                    let stream = Handle::of(container.data.stream.cast::<uv_handle_t>());
                    stream.fd().map_err(|_| Error::EINVAL)?
                }
                _ => return Err(Error::EINVAL),
            }
        };
        self.sources.push(Source { fd, make_blocking: true })
    }

    /// Makes a connection, and returns the child's end of it.
    ///
    /// # Safety
    /// `stream` is an initialised handle.
    unsafe fn connect(
        &mut self,
        stream: *const uv_stream_t,
        flags: uv_stdio_flags,
    ) -> Result<c_int> {
        // SAFETY: the caller's contract.
        if unsafe { Handle::of(stream.cast::<uv_handle_t>()) }.kind() != UV_NAMED_PIPE {
            return Err(Error::EINVAL);
        }
        self.connections.reserve(1)?;
        let [parent_end, child_end] = socket::socketpair(libc::SOCK_STREAM, 0)?;
        self.connections.push(Connection {
            stream: stream.cast(),
            // The child reads what the parent writes.
            flags: if flags & UV_READABLE_PIPE != 0 { flag::WRITABLE } else { 0 }
                | if flags & UV_WRITABLE_PIPE != 0 { flag::READABLE } else { 0 },
            parent_end,
            child_end,
        })?;
        for (option, end) in [libc::SO_SNDBUF, libc::SO_RCVBUF]
            .into_iter()
            .flat_map(|option| [(option, parent_end), (option, child_end)])
        {
            if socket::option(end, libc::SOL_SOCKET, option)? < BUFFER_SIZE {
                // The system's limit may be lower.
                let _ = socket::set_option(end, libc::SOL_SOCKET, option, BUFFER_SIZE);
            }
        }
        // The child's end stays blocking: UV_NONBLOCK_PIPE is for Windows, as in libuv.
        sys::fd::set_nonblocking(parent_end, true)?;
        Ok(child_end)
    }

    /// Gives the parent's ends to their streams.
    fn open_streams(&mut self) -> Result {
        for connection in self.connections.iter_mut() {
            // SAFETY: an initialised pipe; see `connect`.
            unsafe { (*connection.stream).open(connection.parent_end, connection.flags)? };
            connection.parent_end = -1;
        }
        Ok(())
    }
}

impl Drop for Stdio {
    fn drop(&mut self) {
        for connection in self.connections.iter() {
            for end in [connection.parent_end, connection.child_end] {
                if end != -1 {
                    let _ = sys::fd::close(end);
                }
            }
        }
    }
}

impl Process {
    /// # Safety
    /// As for [`Handle::init`].
    unsafe fn init(at: *mut Process, loop_: &Loop, callback: uv_exit_cb) {
        // SAFETY: the caller's contract.
        unsafe {
            Handle::init(at, loop_, UV_PROCESS, |handle| Process {
                handle,
                callback: Cell::new(callback),
                pid: Cell::new(0),
                padding: padding(),
                link: Link::new(),
                status: Cell::new(0),
                end: padding(),
            });
        }
    }

    /// # Safety
    /// As for `uv_spawn`.
    unsafe fn spawn(&self, options: &uv_process_options_t) -> Result {
        let loop_ = self.handle.loop_();
        let containers = match usize::try_from(options.stdio_count) {
            // SAFETY: the caller's contract.
            Ok(count @ 1..) => unsafe { core::slice::from_raw_parts(options.stdio, count) },
            _ => &[],
        };
        // SAFETY: the caller's contract.
        let stdio = unsafe { Stdio::new(containers) };
        let mut stdio = stdio.inspect_err(|_| self.leave_loop())?;
        let has = |flag: c_uint| options.flags & flag != 0;
        let program = Program {
            file: options.file,
            args: options.args.cast(),
            env: options.env.cast(),
            directory: options.cwd,
            new_session: has(UV_PROCESS_DETACHED),
            user: has(UV_PROCESS_SETUID).then_some(options.uid),
            group: has(UV_PROCESS_SETGID).then_some(options.gid),
            sources: Cell::from_mut(&mut stdio.sources[..]).as_slice_of_cells(),
        };
        // Before there is a child, so that its end is not missed.
        loop_.signals.watch_children(loop_)?;
        // SAFETY: the caller's contract.
        let started = unsafe { spawn::start(&program) };
        if let Ok(pid) = started {
            self.pid.set(pid);
            // SAFETY: a new handle is in no list; closing takes it out.
            unsafe { loop_.processes.push_back(&self.link) };
            self.handle.activate();
        }
        // Streams are opened even when there is no child to write to them.
        let opened = stdio.open_streams().inspect_err(|_| self.leave_loop());
        started.and(opened)
    }

    /// After unusable options the handle may be closed, but as in libuv the loop can be closed
    /// without that.
    fn leave_loop(&self) {
        self.handle.all.unlink();
    }

    pub fn close(&self) {
        self.link.unlink();
        self.handle.deactivate();
        let loop_ = self.handle.loop_();
        if loop_.processes.is_empty() {
            loop_.signals.unwatch_children();
        }
    }

    fn kill(&self, signum: c_int) -> Result {
        // The number of a child that has ended may be another's by now, and 0 is this process's
        // group.
        if self.handle.has(flag::PROCESS_ENDED) || self.pid.get() == 0 {
            return Err(Error::ESRCH);
        }
        sys::process::kill(self.pid.get(), signum)
    }

    /// Moves the child to `ended` if it has ended. One that somebody else has reaped is never heard
    /// of again.
    fn take_status(&self, ended: &List) -> bool {
        let Ok(Some(status)) = spawn::take_status(self.pid.get()) else { return false };
        self.status.set(status);
        self.link.unlink();
        // SAFETY: it is in no list now; closing the handle takes it out of this one.
        unsafe { ended.push_back(&self.link) };
        true
    }

    fn finish(&self) {
        self.handle.set(flag::PROCESS_ENDED);
        self.handle.deactivate();
        let Some(callback) = self.callback.get() else { return };
        let status = self.status.get();
        let exit_status = if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 0 };
        let signum = if libc::WIFSIGNALED(status) { libc::WTERMSIG(status) } else { 0 };
        let this = core::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the user's function, called with the handle that it was given for.
        call_user(|| unsafe { callback(this, exit_status.into(), signum) });
    }
}

/// Makes the callbacks of the loop's children that have ended.
pub fn reap(loop_: &Loop) {
    let ended = &loop_.unfinished.ended;
    // The kernel names one child after the other that has ended, which is cheap however many run.
    // It names the first one again and again if that is not for this loop to reap; then each of the
    // loop's has to be asked for.
    while let Some(pid) = spawn::ended_child() {
        if !each_child(loop_, |process| process.pid.get() == pid && process.take_status(ended)) {
            each_child(loop_, |process| {
                process.take_status(ended);
                false
            });
            break;
        }
    }
    while let Some(link) = ended.pop_front() {
        // SAFETY: closing a handle takes it out of `ended`, so what is in there is alive.
        unsafe { (*container_of!(link, Process, link)).finish() };
    }
}

/// Calls `visit` for the children that run, which may take them out of the list, until it returns
/// true; whether it did.
fn each_child(loop_: &Loop, visit: impl Fn(&Process) -> bool) -> bool {
    let mut next = loop_.processes.front();
    while let Some(link) = next {
        // SAFETY: a handle in the list is active, hence alive; the next one is looked up first.
        unsafe {
            next = loop_.processes.after(link);
            if visit(&*container_of!(link, Process, link)) {
                return true;
            }
        }
    }
    false
}

/// Initialises a process handle and runs a program in a child process. The options are not used
/// after the call.
///
/// A program without a slash in its name is looked for in the `PATH` of the child's environment,
/// starting from the child's working directory if that has relative parts. The child begins with no
/// signal blocked or ignored. Descriptors that are not in `stdio` are inherited unless they are
/// close-on-exec, as all those of this library are. Descriptors and streams that are inherited
/// become blocking; `UV_NONBLOCK_PIPE` has an effect on Windows only. With `UV_PROCESS_SETUID` or `UV_PROCESS_SETGID` the child has no supplementary
/// groups.
///
/// Returns 0, or the error that kept the program from running, such as `UV_ENOENT` or `UV_EACCES`;
/// `UV_EINVAL` for an unusable `stdio`. Also when this fails the handle is initialised and is to be
/// closed. Closing the handle of a child that runs does not end the child; who waits for it then is
/// the program's own affair. Loop thread only, as all process functions that take a handle.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_spawn>.
///
/// # Safety
/// `loop` is an initialised loop, `handle` is memory for the handle, alive until it is closed, and
/// `options` is filled in: strings and arrays of them end as in C, streams are initialised handles.
#[no_mangle]
pub unsafe extern "C" fn uv_spawn(
    r#loop: *mut uv_loop_t,
    handle: *mut uv_process_t,
    options: *const uv_process_options_t,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        Process::init(handle.cast(), Loop::of(r#loop), (*options).exit_cb);
        Process::of(handle).spawn(&*options).into_c()
    }
}

/// Sends a signal to the child; with `signum` 0 only says whether there is one.
///
/// Returns 0 or an error code: `UV_ESRCH` when the child has ended and its callback was made, or
/// could not be started; `UV_EINVAL` for a number that is no signal.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_kill>.
///
/// # Safety
/// `process` is a handle that `uv_spawn()` was called for.
#[no_mangle]
pub unsafe extern "C" fn uv_process_kill(process: *mut uv_process_t, signum: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Process::of(process) }.kill(signum).into_c()
}

/// The field `pid`: the child's process id, which stays the same when the child has ended; 0 when
/// it could not be started.
///
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_get_pid>.
///
/// # Safety
/// `process` is a handle that `uv_spawn()` was called for.
#[no_mangle]
pub unsafe extern "C" fn uv_process_get_pid(process: *const uv_process_t) -> uv_pid_t {
    // SAFETY: the caller's contract.
    unsafe { Process::of(process) }.pid.get()
}
