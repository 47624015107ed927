//! C's enums and flags.
//!
//! Each is an enum in C and an integer type with constants in Rust: C code can pass any number, and a
//! Rust enum with a value that it does not list is undefined behaviour. build.rs removes the macro from
//! the blocks below, so that the header generator reads plain enums.

use core::ffi::{c_int, c_uint};

/// Defines an enum that is a typedef in C: `uv_run_mode`.
macro_rules! c_enum {
    ($int:ty; $(#[$doc:meta])* pub enum $name:ident {
        $($(#[$item_doc:meta])* $item:ident = $value:expr,)*
    }) => {
        $(#[$doc])*
        pub type $name = $int;
        $($(#[$item_doc])* pub const $item: $name = $value;)*
    };
}

/// Defines an enum that has a tag in C: `enum uv_poll_event`. Its enumerators are combined with `|` and
/// passed as an integer.
macro_rules! c_flags {
    ($($tokens:tt)*) => { c_enum! { $($tokens)* } };
}

c_enum! { c_uint;
/// Options of `uv_loop_configure()`.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_option>.
pub enum uv_loop_option {
    /// Block a signal while the loop waits for events. The argument is the signal number; for any but
    /// `SIGPROF` the call fails with `UV_EINVAL`.
    UV_LOOP_BLOCK_SIGNAL = 0,
    /// Measure how long the loop waits for events, for `uv_metrics_idle_time()`.
    /// No argument.
    UV_METRICS_IDLE_TIME = 1,
    /// Allow an io_uring submission queue that the kernel polls. No argument.
    UV_LOOP_USE_IO_URING_SQPOLL = 2,
}
}

c_enum! { c_uint;
/// Modes of `uv_run()`.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_run_mode>.
pub enum uv_run_mode {
    /// Run until no active and referenced handle or request is left.
    UV_RUN_DEFAULT = 0,
    /// Run one iteration, which waits for an event if none is pending.
    UV_RUN_ONCE = 1,
    /// Run one iteration that does not wait.
    UV_RUN_NOWAIT = 2,
}
}

c_enum! { c_uint;
/// Clocks of `uv_clock_gettime()`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_clock_id>.
pub enum uv_clock_id {
    /// Time that never goes back, from an unspecified start.
    UV_CLOCK_MONOTONIC = 0,
    /// Wall-clock time since the Unix epoch.
    UV_CLOCK_REALTIME = 1,
}
}

c_enum! { c_uint;
/// Actions of `uv_udp_set_membership()` on a multicast group.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_membership>.
pub enum uv_membership {
    /// Leave the group.
    UV_LEAVE_GROUP = 0,
    /// Join the group.
    UV_JOIN_GROUP = 1,
}
}

c_flags! { c_uint;
/// Flags of `uv_tcp_bind()`.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_flags>.
pub enum uv_tcp_flags {
    /// An IPv6 socket does not accept IPv4 connections.
    UV_TCP_IPV6ONLY = 1,
    /// Set `SO_REUSEPORT`: several sockets listen on the same address and port, and the kernel
    /// distributes connections among them.
    UV_TCP_REUSEPORT = 2,
}
}

c_flags! { c_uint;
/// Flags of `uv_udp_init_ex()`, `uv_udp_bind()`, `uv_udp_open_ex()` and of the receive
/// callback.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_flags>.
pub enum uv_udp_flags {
    /// For `uv_udp_bind()`: an IPv6 socket does not receive IPv4 datagrams.
    UV_UDP_IPV6ONLY = 1,
    /// To the receive callback: the datagram was longer than the buffer; the rest is lost.
    UV_UDP_PARTIAL = 2,
    /// For `uv_udp_bind()`: set `SO_REUSEADDR`, so that several sockets can be bound to the
    /// same address. The one bound last receives the unicast datagrams.
    UV_UDP_REUSEADDR = 4,
    /// To the receive callback: the datagram came from recvmmsg(2), and its buffer is part of a larger
    /// one that must not be freed yet.
    UV_UDP_MMSG_CHUNK = 8,
    /// To the receive callback: the large recvmmsg(2) buffer is no longer needed and can be
    /// freed. `nread` is 0 and `addr` is NULL.
    UV_UDP_MMSG_FREE = 16,
    /// For `uv_udp_bind()`: set `IP_RECVERR` (`IPV6_RECVERR`), so that ICMP errors are
    /// reported to the application.
    UV_UDP_LINUX_RECVERR = 32,
    /// For `uv_udp_bind()`: set `SO_REUSEPORT`; the kernel distributes incoming datagrams among the
    /// sockets bound to the address.
    UV_UDP_REUSEPORT = 64,
    /// For `uv_udp_init_ex()`: receive several datagrams per system call with recvmmsg(2).
    /// The allocation callback should then return multiples of 64 KiB.
    UV_UDP_RECVMMSG = 256,
}
}

c_enum! { c_uint;
/// Modes of `uv_tty_set_mode()`.
/// See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_mode_t>.
pub enum uv_tty_mode_t {
    /// The initial mode of the terminal.
    UV_TTY_MODE_NORMAL = 0,
    /// Raw input: no echo, no line editing, no signals from keys; output is still processed.
    UV_TTY_MODE_RAW = 1,
    /// Binary-safe input and output, for a terminal used as a channel between processes.
    UV_TTY_MODE_IO = 2,
    /// As `UV_TTY_MODE_RAW`. On Windows it also makes the console send escape sequences.
    UV_TTY_MODE_RAW_VT = 3,
}
}

c_enum! { c_uint;
/// Whether a console supports terminal escape sequences; only used on Windows.
/// See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_vtermstate_t>.
pub enum uv_tty_vtermstate_t {
    /// Escape sequences are handled.
    UV_TTY_SUPPORTED = 0,
    /// Escape sequences are not handled.
    UV_TTY_UNSUPPORTED = 1,
}
}

c_flags! { c_uint;
/// Flags of `uv_pipe_bind2()` and `uv_pipe_connect2()`.
pub enum uv__pipe_flags {
    /// Fail with `UV_EINVAL` if the name is too long, instead of truncating it.
    UV_PIPE_NO_TRUNCATE = 1,
}
}

c_flags! { c_int;
/// Events of a `uv_poll_t`.
/// See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_event>.
pub enum uv_poll_event {
    /// The descriptor is readable.
    UV_READABLE = 1,
    /// The descriptor is writable.
    UV_WRITABLE = 2,
    /// The peer has closed the connection, or its writing side.
    UV_DISCONNECT = 4,
    /// Urgent (out-of-band) data, or a sysfs event.
    UV_PRIORITIZED = 8,
}
}

c_enum! { c_uint;
/// Sources of a file descriptor of a child process; see `uv_stdio_container_t`.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_stdio_flags>.
pub enum uv_stdio_flags {
    /// None: descriptors 0 to 2 are `/dev/null`, others are closed.
    UV_IGNORE = 0x00,
    /// A new pipe, with `data.stream` as the parent's end. `UV_READABLE_PIPE` and `UV_WRITABLE_PIPE` set
    /// its direction, as seen from the child; with both it is duplex.
    UV_CREATE_PIPE = 0x01,
    /// The descriptor `data.fd`.
    UV_INHERIT_FD = 0x02,
    /// The descriptor of the stream `data.stream`.
    UV_INHERIT_STREAM = 0x04,
    /// With `UV_CREATE_PIPE`: the child can read from the pipe.
    UV_READABLE_PIPE = 0x10,
    /// With `UV_CREATE_PIPE`: the child can write to the pipe.
    UV_WRITABLE_PIPE = 0x20,
    /// With `UV_CREATE_PIPE`: the child's end is non-blocking. A child that does not expect this may
    /// lose data.
    UV_NONBLOCK_PIPE = 0x40,
    /// The older name of `UV_NONBLOCK_PIPE`.
    UV_OVERLAPPED_PIPE = 0x40,
}
}

c_flags! { c_uint;
/// Flags of `uv_process_options_t`.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_flags>.
pub enum uv_process_flags {
    /// Run the child as the user `uid`.
    UV_PROCESS_SETUID = 1,
    /// Run the child as the group `gid`.
    UV_PROCESS_SETGID = 2,
    /// Windows only: do not quote the arguments.
    UV_PROCESS_WINDOWS_VERBATIM_ARGUMENTS = 4,
    /// Make the child a session leader, so that it can outlive the parent. The handle still keeps the
    /// parent's loop alive unless it is unreferenced.
    UV_PROCESS_DETACHED = 8,
    /// Windows only: hide the child's window.
    UV_PROCESS_WINDOWS_HIDE = 16,
    /// Windows only: hide the child's console window.
    UV_PROCESS_WINDOWS_HIDE_CONSOLE = 32,
    /// Windows only: hide the child's GUI window.
    UV_PROCESS_WINDOWS_HIDE_GUI = 64,
    /// Windows only: look for the exact file name before trying `.exe` and `.cmd`.
    UV_PROCESS_WINDOWS_FILE_PATH_EXACT_NAME = 128,
}
}

c_enum! { c_uint;
/// The type of a directory entry.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_dirent_type_t>.
pub enum uv_dirent_type_t {
    /// The file system does not say.
    UV_DIRENT_UNKNOWN = 0,
    /// A regular file.
    UV_DIRENT_FILE = 1,
    /// A directory.
    UV_DIRENT_DIR = 2,
    /// A symbolic link.
    UV_DIRENT_LINK = 3,
    /// A FIFO (named pipe).
    UV_DIRENT_FIFO = 4,
    /// A Unix domain socket.
    UV_DIRENT_SOCKET = 5,
    /// A character device.
    UV_DIRENT_CHAR = 6,
    /// A block device.
    UV_DIRENT_BLOCK = 7,
}
}

c_flags! { c_int;
/// Priorities of `uv_thread_setpriority()`.
pub enum uv__thread_priority {
    /// The highest.
    UV_THREAD_PRIORITY_HIGHEST = 2,
    /// Above normal.
    UV_THREAD_PRIORITY_ABOVE_NORMAL = 1,
    /// Normal.
    UV_THREAD_PRIORITY_NORMAL = 0,
    /// Below normal.
    UV_THREAD_PRIORITY_BELOW_NORMAL = -1,
    /// The lowest.
    UV_THREAD_PRIORITY_LOWEST = -2,
}
}

c_enum! { c_int;
/// The operation of a `uv_fs_t`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_type>.
pub enum uv_fs_type {
    /// None.
    UV_FS_UNKNOWN = -1,
    /// An operation that the embedder implements.
    UV_FS_CUSTOM = 0,
    /// `uv_fs_open()`.
    UV_FS_OPEN = 1,
    /// `uv_fs_close()`.
    UV_FS_CLOSE = 2,
    /// `uv_fs_read()`.
    UV_FS_READ = 3,
    /// `uv_fs_write()`.
    UV_FS_WRITE = 4,
    /// `uv_fs_sendfile()`.
    UV_FS_SENDFILE = 5,
    /// `uv_fs_stat()`.
    UV_FS_STAT = 6,
    /// `uv_fs_lstat()`.
    UV_FS_LSTAT = 7,
    /// `uv_fs_fstat()`.
    UV_FS_FSTAT = 8,
    /// `uv_fs_ftruncate()`.
    UV_FS_FTRUNCATE = 9,
    /// `uv_fs_utime()`.
    UV_FS_UTIME = 10,
    /// `uv_fs_futime()`.
    UV_FS_FUTIME = 11,
    /// `uv_fs_access()`.
    UV_FS_ACCESS = 12,
    /// `uv_fs_chmod()`.
    UV_FS_CHMOD = 13,
    /// `uv_fs_fchmod()`.
    UV_FS_FCHMOD = 14,
    /// `uv_fs_fsync()`.
    UV_FS_FSYNC = 15,
    /// `uv_fs_fdatasync()`.
    UV_FS_FDATASYNC = 16,
    /// `uv_fs_unlink()`.
    UV_FS_UNLINK = 17,
    /// `uv_fs_rmdir()`.
    UV_FS_RMDIR = 18,
    /// `uv_fs_mkdir()`.
    UV_FS_MKDIR = 19,
    /// `uv_fs_mkdtemp()`.
    UV_FS_MKDTEMP = 20,
    /// `uv_fs_rename()`.
    UV_FS_RENAME = 21,
    /// `uv_fs_scandir()`.
    UV_FS_SCANDIR = 22,
    /// `uv_fs_link()`.
    UV_FS_LINK = 23,
    /// `uv_fs_symlink()`.
    UV_FS_SYMLINK = 24,
    /// `uv_fs_readlink()`.
    UV_FS_READLINK = 25,
    /// `uv_fs_chown()`.
    UV_FS_CHOWN = 26,
    /// `uv_fs_fchown()`.
    UV_FS_FCHOWN = 27,
    /// `uv_fs_realpath()`.
    UV_FS_REALPATH = 28,
    /// `uv_fs_copyfile()`.
    UV_FS_COPYFILE = 29,
    /// `uv_fs_lchown()`.
    UV_FS_LCHOWN = 30,
    /// `uv_fs_opendir()`.
    UV_FS_OPENDIR = 31,
    /// `uv_fs_readdir()`.
    UV_FS_READDIR = 32,
    /// `uv_fs_closedir()`.
    UV_FS_CLOSEDIR = 33,
    /// `uv_fs_statfs()`.
    UV_FS_STATFS = 34,
    /// `uv_fs_mkstemp()`.
    UV_FS_MKSTEMP = 35,
    /// `uv_fs_lutime()`.
    UV_FS_LUTIME = 36,
}
}

c_flags! { c_int;
/// Events that a `uv_fs_event_t` reports.
/// See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event>.
pub enum uv_fs_event {
    /// The file was renamed, created or deleted.
    UV_RENAME = 1,
    /// The file's content or attributes changed.
    UV_CHANGE = 2,
}
}

c_flags! { c_uint;
/// Flags of `uv_fs_event_start()`.
/// See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_flags>.
pub enum uv_fs_event_flags {
    /// Watch the directory entry itself instead of its contents. Not implemented.
    UV_FS_EVENT_WATCH_ENTRY = 1,
    /// Call stat(2) at an interval instead of using kernel notifications. Not implemented.
    UV_FS_EVENT_STAT = 2,
    /// Also watch subdirectories, where the system supports that. Linux does not.
    UV_FS_EVENT_RECURSIVE = 4,
}
}

c_enum! { c_uint;
/// Flags of `uv_thread_options_t`.
pub enum uv_thread_create_flags {
    /// None of the options is set.
    UV_THREAD_NO_FLAGS = 0,
    /// `stack_size` is set.
    UV_THREAD_HAS_STACK_SIZE = 1,
}
}
