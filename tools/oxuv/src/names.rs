//! Names of libuv's types, of signals and of system calls, and texts for times and sizes.

/// The names of handle types, by `uv_handle_type`.
const HANDLES: [&str; 17] = [
    "handle", "async", "check", "fs_event", "fs_poll", "handle", "idle", "pipe", "poll", "prepare",
    "process", "stream", "tcp", "timer", "tty", "udp", "signal",
];

/// The numbers of handle types.
pub mod handle {
    pub const ASYNC: u32 = 1;
    pub const CHECK: u32 = 2;
    pub const FS_EVENT: u32 = 3;
    pub const FS_POLL: u32 = 4;
    pub const IDLE: u32 = 6;
    pub const PIPE: u32 = 7;
    pub const POLL: u32 = 8;
    pub const PREPARE: u32 = 9;
    pub const PROCESS: u32 = 10;
    pub const TCP: u32 = 12;
    pub const TIMER: u32 = 13;
    pub const TTY: u32 = 14;
    pub const UDP: u32 = 15;
    pub const SIGNAL: u32 = 16;
}

/// The numbers of request types.
pub mod request {
    pub const CONNECT: u32 = 2;
    pub const WRITE: u32 = 3;
    pub const SHUTDOWN: u32 = 4;
    pub const UDP_SEND: u32 = 5;
    pub const FS: u32 = 6;
    pub const WORK: u32 = 7;
    pub const GETADDRINFO: u32 = 8;
    pub const GETNAMEINFO: u32 = 9;
    pub const RANDOM: u32 = 10;
}

/// The names of request types, by `uv_req_type`.
const REQUESTS: [&str; 11] = [
    "request",
    "request",
    "connect",
    "write",
    "shutdown",
    "udp_send",
    "fs",
    "work",
    "getaddrinfo",
    "getnameinfo",
    "random",
];

/// The names of file operations, by `uv_fs_type`.
const OPERATIONS: [&str; 37] = [
    "custom",
    "open",
    "close",
    "read",
    "write",
    "sendfile",
    "stat",
    "lstat",
    "fstat",
    "ftruncate",
    "utime",
    "futime",
    "access",
    "chmod",
    "fchmod",
    "fsync",
    "fdatasync",
    "unlink",
    "rmdir",
    "mkdir",
    "mkdtemp",
    "rename",
    "scandir",
    "link",
    "symlink",
    "readlink",
    "chown",
    "fchown",
    "realpath",
    "copyfile",
    "lchown",
    "opendir",
    "readdir",
    "closedir",
    "statfs",
    "mkstemp",
    "lutime",
];

/// The names of signals up to 31.
const SIGNALS: [&str; 32] = [
    "0",
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

fn name(names: &[&'static str], number: usize) -> &'static str {
    names.get(number).copied().unwrap_or("unknown")
}

/// Replaces control characters, which a terminal would obey: texts come from the process that is looked at.
pub fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "?")
}

pub fn handle_type(kind: u32) -> &'static str {
    name(&HANDLES, kind as usize)
}

pub fn request_type(kind: u32) -> &'static str {
    name(&REQUESTS, kind as usize)
}

pub fn operation(kind: i32) -> &'static str {
    name(&OPERATIONS, kind as usize)
}

pub fn signal(number: i32) -> String {
    match SIGNALS.get(number as usize) {
        Some(name) => (*name).to_owned(),
        None => format!("signal {number}"),
    }
}

/// Returns the name of a system call that a thread may be blocked in.
pub fn system_call(number: i64) -> String {
    let name = match number {
        libc::SYS_read => "read",
        libc::SYS_write => "write",
        libc::SYS_pread64 => "pread64",
        libc::SYS_pwrite64 => "pwrite64",
        libc::SYS_readv => "readv",
        libc::SYS_writev => "writev",
        libc::SYS_openat => "openat",
        libc::SYS_fsync => "fsync",
        libc::SYS_fdatasync => "fdatasync",
        libc::SYS_flock => "flock",
        libc::SYS_fcntl => "fcntl",
        libc::SYS_futex => "futex",
        libc::SYS_ppoll => "ppoll",
        libc::SYS_pselect6 => "pselect6",
        libc::SYS_epoll_pwait => "epoll_pwait",
        libc::SYS_nanosleep => "nanosleep",
        libc::SYS_clock_nanosleep => "clock_nanosleep",
        libc::SYS_wait4 => "wait4",
        libc::SYS_waitid => "waitid",
        libc::SYS_connect => "connect",
        libc::SYS_accept => "accept",
        libc::SYS_accept4 => "accept4",
        libc::SYS_recvfrom => "recvfrom",
        libc::SYS_recvmsg => "recvmsg",
        libc::SYS_sendto => "sendto",
        libc::SYS_sendmsg => "sendmsg",
        libc::SYS_getdents64 => "getdents64",
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll => "poll",
        #[cfg(target_arch = "x86_64")]
        libc::SYS_select => "select",
        #[cfg(target_arch = "x86_64")]
        libc::SYS_epoll_wait => "epoll_wait",
        _ => return format!("system call {number}"),
    };
    name.to_owned()
}

/// Writes a time in nanoseconds with the unit that suits it.
pub fn duration(nanoseconds: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns")];
    let seconds = nanoseconds / 1_000_000_000;
    match seconds {
        0..120 => {}
        120..7_200 => return format!("{} min {} s", seconds / 60, seconds % 60),
        7_200..172_800 => return format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => return format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
    let (size, unit) =
        UNITS.into_iter().find(|(size, _)| nanoseconds >= *size).unwrap_or((1, "ns"));
    let value = nanoseconds as f64 / size as f64;
    if value < 10.0 && size > 1 {
        return format!("{value:.1} {unit}");
    }
    format!("{value:.0} {unit}")
}

/// Writes a number of bytes with the unit that suits it.
pub fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(size, _)| count >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", count as f64 / size as f64),
        None => format!("{count} bytes"),
    }
}

/// Writes a count and a noun in the right number.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_times_and_sizes() {
        let times = [(0, "0 ns"), (999, "999 ns"), (1_500, "1.5 µs"), (312_400_000, "312 ms")];
        for (time, text) in times {
            assert_eq!(duration(time), text);
        }
        assert_eq!(duration(3_200_000_000), "3.2 s");
        assert_eq!(duration(150_000_000_000), "2 min 30 s");
        assert_eq!(duration(u64::MAX), "213503 d 23 h");
        assert_eq!((bytes(7).as_str(), bytes(1536).as_str()), ("7 bytes", "1.5 KiB"));
        assert_eq!((count(1, "loop"), count(2, "loop")), ("1 loop".into(), "2 loops".into()));
    }

    #[test]
    fn knows_numbers_that_it_does_not_know() {
        assert_eq!(
            (handle_type(99), operation(-1), operation(22)),
            ("unknown", "unknown", "scandir")
        );
        assert_eq!((signal(15).as_str(), signal(40).as_str()), ("SIGTERM", "signal 40"));
    }
}
