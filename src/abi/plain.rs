//! Structs of plain data that the user passes or receives.

use super::*;
use core::ffi::{c_char, c_int, c_long, c_uint, c_ulong, c_void};
use libc::{size_t, sockaddr_in, sockaddr_in6, DIR};

/// A time with nanoseconds, in C's `long`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_timespec_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct uv_timespec_t {
    /// Seconds.
    pub tv_sec: c_long,
    /// Nanoseconds, 0 to 999999999.
    pub tv_nsec: c_long,
}

/// A time with nanoseconds that fits any date.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_timespec64_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct uv_timespec64_t {
    /// Seconds.
    pub tv_sec: i64,
    /// Nanoseconds, 0 to 999999999.
    pub tv_nsec: i32,
}

/// A time with microseconds, in C's `long`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_timeval_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct uv_timeval_t {
    /// Seconds.
    pub tv_sec: c_long,
    /// Microseconds, 0 to 999999.
    pub tv_usec: c_long,
}

/// A time with microseconds that fits any date.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_timeval64_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct uv_timeval64_t {
    /// Seconds.
    pub tv_sec: i64,
    /// Microseconds, 0 to 999999.
    pub tv_usec: i32,
}

/// Information about a file, as of stat(2).
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_stat_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct uv_stat_t {
    /// The device that holds the file.
    pub st_dev: u64,
    /// File type and permissions.
    pub st_mode: u64,
    /// Number of hard links.
    pub st_nlink: u64,
    /// User id of the owner.
    pub st_uid: u64,
    /// Group id of the owner.
    pub st_gid: u64,
    /// The device that a device file represents.
    pub st_rdev: u64,
    /// Inode number.
    pub st_ino: u64,
    /// Size in bytes.
    pub st_size: u64,
    /// Preferred block size for I/O.
    pub st_blksize: u64,
    /// Blocks of 512 bytes allocated.
    pub st_blocks: u64,
    /// 0 on Linux.
    pub st_flags: u64,
    /// 0 on Linux.
    pub st_gen: u64,
    /// Last access.
    pub st_atim: uv_timespec_t,
    /// Last change of the content.
    pub st_mtim: uv_timespec_t,
    /// Last change of the attributes.
    pub st_ctim: uv_timespec_t,
    /// Creation, if the file system records it.
    pub st_birthtim: uv_timespec_t,
}

/// A directory entry.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_dirent_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct uv_dirent_t {
    /// The name, without the directory.
    pub name: *const c_char,
    /// The type, or `UV_DIRENT_UNKNOWN`.
    pub r#type: uv_dirent_type_t,
}

/// A directory opened by `uv_fs_opendir()`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_dir_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_dir_t {
    /// The array that `uv_fs_readdir()` writes to. The user sets it.
    pub dirents: *mut uv_dirent_t,
    /// The length of `dirents`. The user sets it.
    pub nentries: size_t,
    pub reserved: [*mut c_void; 4],
    pub dir: *mut DIR,
}

/// Information about a file system, as of statfs(2).
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_statfs_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct uv_statfs_t {
    /// The file system's magic number.
    pub f_type: u64,
    /// Preferred transfer size.
    pub f_bsize: u64,
    /// Number of blocks, of `f_frsize` bytes.
    pub f_blocks: u64,
    /// Free blocks.
    pub f_bfree: u64,
    /// Free blocks available to an unprivileged user.
    pub f_bavail: u64,
    /// Number of inodes.
    pub f_files: u64,
    /// Free inodes.
    pub f_ffree: u64,
    /// Fragment size, the unit of the block counts.
    pub f_frsize: u64,
    pub f_spare: [u64; 3],
}

/// Counters of a loop; see `uv_metrics_info()`.
/// See <https://docs.libuv.org/en/v1.x/metrics.html#c.uv_metrics_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_metrics_t {
    /// Iterations of the loop.
    pub loop_count: u64,
    /// Events processed.
    pub events: u64,
    /// Events that were ready before the loop waited.
    pub events_waiting: u64,
    pub reserved: [*mut u64; 13],
}

/// `data` of `uv_stdio_container_t`.
#[repr(C)]
#[derive(Copy, Clone)]
pub union uv__stdio_container_data {
    /// With `UV_CREATE_PIPE` and `UV_INHERIT_STREAM`.
    pub stream: *mut uv_stream_t,
    /// With `UV_INHERIT_FD`.
    pub fd: c_int,
}

/// The source of one file descriptor of a child process.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_stdio_container_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_stdio_container_t {
    /// The kind of source.
    pub flags: uv_stdio_flags,
    /// The stream or descriptor.
    pub data: uv__stdio_container_data,
}

/// Options of `uv_spawn()`.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_options_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_process_options_t {
    /// Called when the process has ended. May be NULL.
    pub exit_cb: uv_exit_cb,
    /// The program: a path, or a name that is looked up in `PATH`.
    pub file: *const c_char,
    /// The arguments, terminated by NULL; `args[0]` is conventionally the program.
    pub args: *mut *mut c_char,
    /// The environment, terminated by NULL; if this is NULL, the parent's.
    pub env: *mut *mut c_char,
    /// The working directory; if this is NULL, the parent's.
    pub cwd: *const c_char,
    /// Flags of `enum uv_process_flags`.
    pub flags: c_uint,
    /// The length of `stdio`.
    pub stdio_count: c_int,
    /// The sources of the child's descriptors 0, 1, 2 and so on.
    pub stdio: *mut uv_stdio_container_t,
    /// The user to run as, with `UV_PROCESS_SETUID`.
    pub uid: uv_uid_t,
    /// The group to run as, with `UV_PROCESS_SETGID`.
    pub gid: uv_gid_t,
}

/// Time that a CPU has spent, in milliseconds.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct uv_cpu_times_s {
    /// In user space.
    pub user: u64,
    /// In user space at low priority.
    pub nice: u64,
    /// In the kernel.
    pub sys: u64,
    /// Idle.
    pub idle: u64,
    /// In interrupts.
    pub irq: u64,
}

/// A CPU; see `uv_cpu_info()`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_cpu_info_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct uv_cpu_info_t {
    /// Its name.
    pub model: *const c_char,
    /// Its clock frequency in MHz.
    pub speed: c_int,
    /// The time that it has spent in each state.
    pub cpu_times: uv_cpu_times_s,
}

/// `address` of `uv_interface_address_t`; `address4.sin_family` is the family.
#[repr(C)]
#[derive(Copy, Clone)]
pub union uv__interface_address {
    pub address4: sockaddr_in,
    pub address6: sockaddr_in6,
}

/// `netmask` of `uv_interface_address_t`.
#[repr(C)]
#[derive(Copy, Clone)]
pub union uv__interface_netmask {
    pub netmask4: sockaddr_in,
    pub netmask6: sockaddr_in6,
}

/// An address of a network interface; see `uv_interface_addresses()`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_interface_address_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_interface_address_t {
    /// The interface's name.
    pub name: *mut c_char,
    /// Its hardware address.
    pub phys_addr: [c_char; 6],
    /// Non-zero for a loopback interface.
    pub is_internal: c_int,
    /// The address.
    pub address: uv__interface_address,
    /// The address's netmask.
    pub netmask: uv__interface_netmask,
}

/// A user account; see `uv_os_get_passwd()`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_passwd_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct uv_passwd_t {
    /// Login name.
    pub username: *mut c_char,
    /// User id.
    pub uid: c_ulong,
    /// Group id.
    pub gid: c_ulong,
    /// Login shell.
    pub shell: *mut c_char,
    /// Home directory.
    pub homedir: *mut c_char,
}

/// A user group; see `uv_os_get_group()`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_group_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct uv_group_t {
    /// Its name.
    pub groupname: *mut c_char,
    /// Its id.
    pub gid: c_ulong,
    /// The names of its members, terminated by NULL.
    pub members: *mut *mut c_char,
}

/// The system's name and version; see `uv_os_uname()`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_utsname_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_utsname_t {
    /// The operating system: "Linux".
    pub sysname: [c_char; 256],
    /// Its release.
    pub release: [c_char; 256],
    /// Its version.
    pub version: [c_char; 256],
    /// The hardware: "x86_64".
    pub machine: [c_char; 256],
}

/// An environment variable; see `uv_os_environ()`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_env_item_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct uv_env_item_t {
    /// Its name.
    pub name: *mut c_char,
    /// Its value.
    pub value: *mut c_char,
}

/// Resources used; see `uv_getrusage()`. Fields that the system does not count are 0.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_rusage_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct uv_rusage_t {
    /// CPU time in user space.
    pub ru_utime: uv_timeval_t,
    /// CPU time in the kernel.
    pub ru_stime: uv_timeval_t,
    /// Largest resident set, in kilobytes.
    pub ru_maxrss: u64,
    /// Shared memory.
    pub ru_ixrss: u64,
    /// Unshared data.
    pub ru_idrss: u64,
    /// Unshared stack.
    pub ru_isrss: u64,
    /// Page faults served without I/O.
    pub ru_minflt: u64,
    /// Page faults that needed I/O.
    pub ru_majflt: u64,
    /// Swaps.
    pub ru_nswap: u64,
    /// Block input operations.
    pub ru_inblock: u64,
    /// Block output operations.
    pub ru_oublock: u64,
    /// IPC messages sent.
    pub ru_msgsnd: u64,
    /// IPC messages received.
    pub ru_msgrcv: u64,
    /// Signals received.
    pub ru_nsignals: u64,
    /// Voluntary context switches.
    pub ru_nvcsw: u64,
    /// Involuntary context switches.
    pub ru_nivcsw: u64,
}

/// Options of `uv_thread_create_ex()`.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_options_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct uv_thread_options_t {
    /// The options that are set, of `uv_thread_create_flags`.
    pub flags: c_uint,
    /// Stack size in bytes, rounded up to a page and to the system's minimum.
    pub stack_size: size_t,
}
