//! Process handles: child processes.
//!
//! A loop watches SIGCHLD while it has process handles. It reaps its children by id, because others belong
//! to other loops or to the program.

use super::stream::Stream;
use super::{flag, Handle};
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, padding, Overlay, Padding};
use crate::list::{container_of, Link, List};
use crate::memory::Array;
use crate::observe::layout::Callback;
use crate::observe::{layout, offsets};
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
    /// In the loop's list of running children.
    link: Link,
    /// The status of `waitpid(2)`.
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
    /// The directions of the stream: `flag::READABLE`, `flag::WRITABLE`.
    flags: u32,
    parent_end: c_int,
    child_end: c_int,
}

/// The descriptors of a child, prepared before it is started.
struct Stdio {
    sources: Array<Source>,
    connections: Array<Connection>,
}

/// The minimum size of the buffers of a connection, in bytes.
const BUFFER_SIZE: c_int = 64 * 1024;

pub const OFFSETS: layout::ProcessOffsets =
    offsets!(ProcessOffsets, Process { callback: callback, pid: pid });

impl Stdio {
    /// # Safety
    /// The containers are initialised, and their streams are initialised handles.
    unsafe fn new(containers: &[uv_stdio_container_t]) -> Result<Stdio> {
        let mut stdio = Stdio { sources: Array::new(), connections: Array::new() };
        for container in containers {
            // SAFETY: as documented.
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
        // SAFETY: the flags determine the field of `data`, and streams are as documented.
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

    /// Creates a connection and returns the child's end.
    ///
    /// # Safety
    /// `stream` is an initialised handle.
    unsafe fn connect(
        &mut self,
        stream: *const uv_stream_t,
        flags: uv_stdio_flags,
    ) -> Result<c_int> {
        // SAFETY: as documented.
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
                // Fails if the system's limit is lower.
                let _ = socket::set_option(end, libc::SOL_SOCKET, option, BUFFER_SIZE);
            }
        }
        // The child's end stays blocking: as in libuv, UV_NONBLOCK_PIPE only affects Windows.
        sys::fd::set_nonblocking(parent_end, true)?;
        Ok(child_end)
    }

    /// Opens the streams with the parent's ends.
    fn open_streams(&mut self) -> Result {
        for connection in self.connections.iter_mut() {
            // SAFETY: `connect` has checked that it is an initialised pipe.
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
        // SAFETY: as documented.
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
            // SAFETY: `stdio` has `stdio_count` elements, as documented.
            Ok(count @ 1..) => unsafe { core::slice::from_raw_parts(options.stdio, count) },
            _ => &[],
        };
        // SAFETY: the containers and their streams are initialised, as documented.
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
        // Before the child starts, so that its SIGCHLD is not missed.
        loop_.signals.watch_children(loop_)?;
        // SAFETY: strings and arrays are terminated, as documented.
        let started = unsafe { spawn::start(&program) };
        if let Ok(pid) = started {
            self.pid.set(pid);
            // SAFETY: a new handle is in no list; closing unlinks it.
            unsafe { loop_.processes.push_back(&self.link) };
            self.handle.activate();
        }
        // As in libuv, the streams are opened even if the child did not start.
        let opened = stdio.open_streams().inspect_err(|_| self.leave_loop());
        started.and(opened)
    }

    /// Unlinks the handle from the loop after invalid options: as in libuv, the loop can then be closed
    /// whether or not the handle was.
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
        // The id of an ended child may be reused, and 0 means this process's group.
        if self.handle.has(flag::PROCESS_ENDED) || self.pid.get() == 0 {
            return Err(Error::ESRCH);
        }
        sys::process::kill(self.pid.get(), signum)
    }

    /// Moves the child to `ended` if it has ended. A child that the program has reaped itself never does.
    fn take_status(&self, ended: &List) -> bool {
        let Ok(Some(status)) = spawn::take_status(self.pid.get()) else { return false };
        self.status.set(status);
        self.link.unlink();
        // SAFETY: the link is in no list now; closing the handle unlinks it.
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
        call_user(self.handle.loop_(), Callback::Exit, self, callback as *const (), || unsafe {
            callback(this, exit_status.into(), signum)
        });
    }
}

/// Calls the callbacks of the loop's children that have ended.
pub fn reap(loop_: &Loop) {
    let ended = &loop_.state.ended;
    // The kernel returns the id of one ended child, so the cost does not grow with the number of running
    // ones. It returns the same id until that child is reaped.
    let found = loop {
        let found = spawn::ended_child();
        let Ok(Some(pid)) = found else { break found };
        if !any_child(loop_, |process| process.pid.get() == pid && process.take_status(ended)) {
            break found;
        }
    };
    // If it is not one of the loop's, or if the kernel does not tell, each of the loop's children is asked for.
    if !matches!(found, Ok(None)) {
        any_child(loop_, |process| {
            process.take_status(ended);
            false
        });
    }
    while let Some(link) = ended.pop_front() {
        // SAFETY: closing a handle unlinks it from `ended`, so those in it are alive.
        unsafe { (*container_of!(link, Process, link)).finish() };
    }
}

/// Calls `visit`, which may unlink the child, for each running child until it returns true. Returns
/// whether it did.
fn any_child(loop_: &Loop, visit: impl Fn(&Process) -> bool) -> bool {
    let mut next = loop_.processes.front();
    while let Some(link) = next {
        // SAFETY: a handle in the list is active, hence alive; the next one is read before `visit`.
        unsafe {
            next = loop_.processes.after(link);
            if visit(&*container_of!(link, Process, link)) {
                return true;
            }
        }
    }
    false
}

/// Initialises a process handle and runs a program in a child process. The options are not used after
/// the call.
///
/// A name without a slash is looked up in the `PATH` of the child's environment; its relative directories
/// are relative to the child's working directory. The child starts with no signal blocked or ignored.
/// Descriptors that are not in `stdio` are inherited unless they are close-on-exec, as all those of this
/// library are. Inherited descriptors and streams become blocking; `UV_NONBLOCK_PIPE` only affects Windows.
/// With `UV_PROCESS_SETUID` or `UV_PROCESS_SETGID` the child has no supplementary groups.
///
/// Returns 0, the error that prevented the program from running, such as `UV_ENOENT` or `UV_EACCES`, or
/// `UV_EINVAL` for an invalid `stdio`. After an error too the handle is initialised and must be closed.
/// Closing the handle of a running child does not end the child, which the program must then wait for
/// itself. Loop thread only, as all process functions that take a handle.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_spawn>.
///
/// # Safety
/// `loop` is an initialised loop, `handle` is memory for the handle, alive until it is closed, and
/// `options` is initialised: strings and arrays of strings are terminated, `stdio` has `stdio_count`
/// elements, and their streams are initialised handles.
#[no_mangle]
pub unsafe extern "C" fn uv_spawn(
    r#loop: *mut uv_loop_t,
    handle: *mut uv_process_t,
    options: *const uv_process_options_t,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        Process::init(handle.cast(), Loop::of(r#loop), (*options).exit_cb);
        Process::of(handle).spawn(&*options).into_c()
    }
}

/// Sends a signal to the child. With a `signum` of 0 it only checks that the child exists.
///
/// Returns 0, `UV_ESRCH` if the child has ended and its callback was called, or if it did not start,
/// `UV_EINVAL` for an invalid signal number, or another error code.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_kill>.
///
/// # Safety
/// `process` is a handle that `uv_spawn()` was called for.
#[no_mangle]
pub unsafe extern "C" fn uv_process_kill(process: *mut uv_process_t, signum: c_int) -> c_int {
    // SAFETY: as documented.
    unsafe { Process::of_any_thread(process) }.kill(signum).into_c()
}

/// Returns the field `pid`: the child's process id, also after it has ended, or 0 if it did not start.
///
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_get_pid>.
///
/// # Safety
/// `process` is a handle that `uv_spawn()` was called for.
#[no_mangle]
pub unsafe extern "C" fn uv_process_get_pid(process: *const uv_process_t) -> uv_pid_t {
    // SAFETY: as documented.
    unsafe { Process::of_reading(process) }.pid.get()
}
