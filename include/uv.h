/* oxuv: an event loop with libuv's C ABI. */
/* Made by build.rs from the Rust sources. Don't edit it; see src/abi/header/generate.rs. */

#ifndef UV_H
#define UV_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(BUILDING_UV_SHARED) && defined(USING_UV_SHARED)
# error "BUILDING_UV_SHARED and USING_UV_SHARED exclude each other."
#endif

#ifndef UV_EXTERN
# if defined(__GNUC__)
#  define UV_EXTERN __attribute__((visibility("default")))
# else
#  define UV_EXTERN
# endif
#endif

#include "uv/errno.h"
#include "uv/version.h"

#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <math.h>

#include "uv/unix.h"

/* ---- Errors, handle types and request types ---- */

/* XX(name, message) for every error; its code is UV_name. */
#define UV_ERRNO_MAP(XX) \
  XX(E2BIG, "argument list too long") \
  XX(EACCES, "permission denied") \
  XX(EADDRINUSE, "address already in use") \
  XX(EADDRNOTAVAIL, "address not available") \
  XX(EAFNOSUPPORT, "address family not supported") \
  XX(EAGAIN, "resource temporarily unavailable") \
  XX(EAI_ADDRFAMILY, "address family not supported") \
  XX(EAI_AGAIN, "temporary failure") \
  XX(EAI_BADFLAGS, "bad ai_flags value") \
  XX(EAI_BADHINTS, "invalid value for hints") \
  XX(EAI_CANCELED, "request canceled") \
  XX(EAI_FAIL, "permanent failure") \
  XX(EAI_FAMILY, "ai_family not supported") \
  XX(EAI_MEMORY, "out of memory") \
  XX(EAI_NODATA, "no address") \
  XX(EAI_NONAME, "unknown node or service") \
  XX(EAI_OVERFLOW, "argument buffer overflow") \
  XX(EAI_PROTOCOL, "resolved protocol is unknown") \
  XX(EAI_SERVICE, "service not available for socket type") \
  XX(EAI_SOCKTYPE, "socket type not supported") \
  XX(EALREADY, "connection already in progress") \
  XX(EBADF, "bad file descriptor") \
  XX(EBUSY, "resource busy or locked") \
  XX(ECANCELED, "operation canceled") \
  XX(ECHARSET, "invalid Unicode character") \
  XX(ECONNABORTED, "software caused connection abort") \
  XX(ECONNREFUSED, "connection refused") \
  XX(ECONNRESET, "connection reset by peer") \
  XX(EDESTADDRREQ, "destination address required") \
  XX(EEXIST, "file already exists") \
  XX(EFAULT, "bad address in system call argument") \
  XX(EFBIG, "file too large") \
  XX(EHOSTUNREACH, "host is unreachable") \
  XX(EINTR, "interrupted system call") \
  XX(EINVAL, "invalid argument") \
  XX(EIO, "i/o error") \
  XX(EISCONN, "socket is already connected") \
  XX(EISDIR, "illegal operation on a directory") \
  XX(ELOOP, "too many symbolic links encountered") \
  XX(EMFILE, "too many open files") \
  XX(EMSGSIZE, "message too long") \
  XX(ENAMETOOLONG, "name too long") \
  XX(ENETDOWN, "network is down") \
  XX(ENETUNREACH, "network is unreachable") \
  XX(ENFILE, "file table overflow") \
  XX(ENOBUFS, "no buffer space available") \
  XX(ENODEV, "no such device") \
  XX(ENOENT, "no such file or directory") \
  XX(ENOMEM, "not enough memory") \
  XX(ENONET, "machine is not on the network") \
  XX(ENOPROTOOPT, "protocol not available") \
  XX(ENOSPC, "no space left on device") \
  XX(ENOSYS, "function not implemented") \
  XX(ENOTCONN, "socket is not connected") \
  XX(ENOTDIR, "not a directory") \
  XX(ENOTEMPTY, "directory not empty") \
  XX(ENOTSOCK, "socket operation on non-socket") \
  XX(ENOTSUP, "operation not supported on socket") \
  XX(EOVERFLOW, "value too large for defined data type") \
  XX(EPERM, "operation not permitted") \
  XX(EPIPE, "broken pipe") \
  XX(EPROTO, "protocol error") \
  XX(EPROTONOSUPPORT, "protocol not supported") \
  XX(EPROTOTYPE, "protocol wrong type for socket") \
  XX(ERANGE, "result too large") \
  XX(EROFS, "read-only file system") \
  XX(ESHUTDOWN, "cannot send after transport endpoint shutdown") \
  XX(ESPIPE, "invalid seek") \
  XX(ESRCH, "no such process") \
  XX(ETIMEDOUT, "connection timed out") \
  XX(ETXTBSY, "text file is busy") \
  XX(EXDEV, "cross-device link not permitted") \
  XX(UNKNOWN, "unknown error") \
  XX(EOF, "end of file") \
  XX(ENXIO, "no such device or address") \
  XX(EMLINK, "too many links") \
  XX(EHOSTDOWN, "host is down") \
  XX(EREMOTEIO, "remote I/O error") \
  XX(ENOTTY, "inappropriate ioctl for device") \
  XX(EFTYPE, "inappropriate file type or format") \
  XX(EILSEQ, "illegal byte sequence") \
  XX(ESOCKTNOSUPPORT, "socket type not supported") \
  XX(ENODATA, "no data available") \
  XX(EUNATCH, "protocol driver not attached") \
  XX(ENOEXEC, "exec format error")

/* XX(UPPER, lower) for every handle type: UV_UPPER is its constant, uv_lower_t its struct. */
#define UV_HANDLE_TYPE_MAP(XX) \
  XX(ASYNC, async) \
  XX(CHECK, check) \
  XX(FS_EVENT, fs_event) \
  XX(FS_POLL, fs_poll) \
  XX(HANDLE, handle) \
  XX(IDLE, idle) \
  XX(NAMED_PIPE, pipe) \
  XX(POLL, poll) \
  XX(PREPARE, prepare) \
  XX(PROCESS, process) \
  XX(STREAM, stream) \
  XX(TCP, tcp) \
  XX(TIMER, timer) \
  XX(TTY, tty) \
  XX(UDP, udp) \
  XX(SIGNAL, signal)

/* XX(UPPER, lower) for every request type. */
#define UV_REQ_TYPE_MAP(XX) \
  XX(REQ, req) \
  XX(CONNECT, connect) \
  XX(WRITE, write) \
  XX(SHUTDOWN, shutdown) \
  XX(UDP_SEND, udp_send) \
  XX(FS, fs) \
  XX(WORK, work) \
  XX(GETADDRINFO, getaddrinfo) \
  XX(GETNAMEINFO, getnameinfo) \
  XX(RANDOM, random)

/** Error codes: negated errno values, and numbers below them for errors that errno lacks. */
typedef enum {
UV_E2BIG = UV__E2BIG,
  UV_EACCES = UV__EACCES,
  UV_EADDRINUSE = UV__EADDRINUSE,
  UV_EADDRNOTAVAIL = UV__EADDRNOTAVAIL,
  UV_EAFNOSUPPORT = UV__EAFNOSUPPORT,
  UV_EAGAIN = UV__EAGAIN,
  UV_EAI_ADDRFAMILY = UV__EAI_ADDRFAMILY,
  UV_EAI_AGAIN = UV__EAI_AGAIN,
  UV_EAI_BADFLAGS = UV__EAI_BADFLAGS,
  UV_EAI_BADHINTS = UV__EAI_BADHINTS,
  UV_EAI_CANCELED = UV__EAI_CANCELED,
  UV_EAI_FAIL = UV__EAI_FAIL,
  UV_EAI_FAMILY = UV__EAI_FAMILY,
  UV_EAI_MEMORY = UV__EAI_MEMORY,
  UV_EAI_NODATA = UV__EAI_NODATA,
  UV_EAI_NONAME = UV__EAI_NONAME,
  UV_EAI_OVERFLOW = UV__EAI_OVERFLOW,
  UV_EAI_PROTOCOL = UV__EAI_PROTOCOL,
  UV_EAI_SERVICE = UV__EAI_SERVICE,
  UV_EAI_SOCKTYPE = UV__EAI_SOCKTYPE,
  UV_EALREADY = UV__EALREADY,
  UV_EBADF = UV__EBADF,
  UV_EBUSY = UV__EBUSY,
  UV_ECANCELED = UV__ECANCELED,
  UV_ECHARSET = UV__ECHARSET,
  UV_ECONNABORTED = UV__ECONNABORTED,
  UV_ECONNREFUSED = UV__ECONNREFUSED,
  UV_ECONNRESET = UV__ECONNRESET,
  UV_EDESTADDRREQ = UV__EDESTADDRREQ,
  UV_EEXIST = UV__EEXIST,
  UV_EFAULT = UV__EFAULT,
  UV_EFBIG = UV__EFBIG,
  UV_EHOSTUNREACH = UV__EHOSTUNREACH,
  UV_EINTR = UV__EINTR,
  UV_EINVAL = UV__EINVAL,
  UV_EIO = UV__EIO,
  UV_EISCONN = UV__EISCONN,
  UV_EISDIR = UV__EISDIR,
  UV_ELOOP = UV__ELOOP,
  UV_EMFILE = UV__EMFILE,
  UV_EMSGSIZE = UV__EMSGSIZE,
  UV_ENAMETOOLONG = UV__ENAMETOOLONG,
  UV_ENETDOWN = UV__ENETDOWN,
  UV_ENETUNREACH = UV__ENETUNREACH,
  UV_ENFILE = UV__ENFILE,
  UV_ENOBUFS = UV__ENOBUFS,
  UV_ENODEV = UV__ENODEV,
  UV_ENOENT = UV__ENOENT,
  UV_ENOMEM = UV__ENOMEM,
  UV_ENONET = UV__ENONET,
  UV_ENOPROTOOPT = UV__ENOPROTOOPT,
  UV_ENOSPC = UV__ENOSPC,
  UV_ENOSYS = UV__ENOSYS,
  UV_ENOTCONN = UV__ENOTCONN,
  UV_ENOTDIR = UV__ENOTDIR,
  UV_ENOTEMPTY = UV__ENOTEMPTY,
  UV_ENOTSOCK = UV__ENOTSOCK,
  UV_ENOTSUP = UV__ENOTSUP,
  UV_EOVERFLOW = UV__EOVERFLOW,
  UV_EPERM = UV__EPERM,
  UV_EPIPE = UV__EPIPE,
  UV_EPROTO = UV__EPROTO,
  UV_EPROTONOSUPPORT = UV__EPROTONOSUPPORT,
  UV_EPROTOTYPE = UV__EPROTOTYPE,
  UV_ERANGE = UV__ERANGE,
  UV_EROFS = UV__EROFS,
  UV_ESHUTDOWN = UV__ESHUTDOWN,
  UV_ESPIPE = UV__ESPIPE,
  UV_ESRCH = UV__ESRCH,
  UV_ETIMEDOUT = UV__ETIMEDOUT,
  UV_ETXTBSY = UV__ETXTBSY,
  UV_EXDEV = UV__EXDEV,
  UV_UNKNOWN = UV__UNKNOWN,
  UV_EOF = UV__EOF,
  UV_ENXIO = UV__ENXIO,
  UV_EMLINK = UV__EMLINK,
  UV_EHOSTDOWN = UV__EHOSTDOWN,
  UV_EREMOTEIO = UV__EREMOTEIO,
  UV_ENOTTY = UV__ENOTTY,
  UV_EFTYPE = UV__EFTYPE,
  UV_EILSEQ = UV__EILSEQ,
  UV_ESOCKTNOSUPPORT = UV__ESOCKTNOSUPPORT,
  UV_ENODATA = UV__ENODATA,
  UV_EUNATCH = UV__EUNATCH,
  UV_ENOEXEC = UV__ENOEXEC,
  UV_ERRNO_MAX = UV__EOF - 1
} uv_errno_t;

/** What `type` of a handle can be. */
typedef enum {
  UV_UNKNOWN_HANDLE = 0,
UV_ASYNC = 1,
  UV_CHECK = 2,
  UV_FS_EVENT = 3,
  UV_FS_POLL = 4,
  UV_HANDLE = 5,
  UV_IDLE = 6,
  UV_NAMED_PIPE = 7,
  UV_POLL = 8,
  UV_PREPARE = 9,
  UV_PROCESS = 10,
  UV_STREAM = 11,
  UV_TCP = 12,
  UV_TIMER = 13,
  UV_TTY = 14,
  UV_UDP = 15,
  UV_SIGNAL = 16,
  UV_FILE,
  UV_HANDLE_TYPE_MAX
} uv_handle_type;

/** What `type` of a request can be. */
typedef enum {
  UV_UNKNOWN_REQ = 0,
UV_REQ = 1,
  UV_CONNECT = 2,
  UV_WRITE = 3,
  UV_SHUTDOWN = 4,
  UV_UDP_SEND = 5,
  UV_FS = 6,
  UV_WORK = 7,
  UV_GETADDRINFO = 8,
  UV_GETNAMEINFO = 9,
  UV_RANDOM = 10,
  UV_REQ_TYPE_MAX
} uv_req_type;

/* ---- Types ---- */

typedef struct uv_timespec_s uv_timespec_t;
typedef struct uv_timespec64_s uv_timespec64_t;
typedef struct uv_timeval_s uv_timeval_t;
typedef struct uv_timeval64_s uv_timeval64_t;
typedef struct uv_stat_s uv_stat_t;
typedef struct uv_dirent_s uv_dirent_t;
typedef struct uv_dir_s uv_dir_t;
typedef struct uv_statfs_s uv_statfs_t;
typedef struct uv_metrics_s uv_metrics_t;
typedef struct uv_stdio_container_s uv_stdio_container_t;
typedef struct uv_process_options_s uv_process_options_t;
typedef struct uv_cpu_info_s uv_cpu_info_t;
typedef struct uv_interface_address_s uv_interface_address_t;
typedef struct uv_passwd_s uv_passwd_t;
typedef struct uv_group_s uv_group_t;
typedef struct uv_utsname_s uv_utsname_t;
typedef struct uv_env_item_s uv_env_item_t;
typedef struct uv_rusage_s uv_rusage_t;
typedef struct uv_thread_options_s uv_thread_options_t;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_stream_s uv_stream_t;
typedef struct uv_tcp_s uv_tcp_t;
typedef struct uv_pipe_s uv_pipe_t;
typedef struct uv_tty_s uv_tty_t;
typedef struct uv_udp_s uv_udp_t;
typedef struct uv_poll_s uv_poll_t;
typedef struct uv_timer_s uv_timer_t;
typedef struct uv_prepare_s uv_prepare_t;
typedef struct uv_check_s uv_check_t;
typedef struct uv_idle_s uv_idle_t;
typedef struct uv_async_s uv_async_t;
typedef struct uv_process_s uv_process_t;
typedef struct uv_fs_event_s uv_fs_event_t;
typedef struct uv_fs_poll_s uv_fs_poll_t;
typedef struct uv_signal_s uv_signal_t;
typedef struct uv_req_s uv_req_t;
typedef struct uv_shutdown_s uv_shutdown_t;
typedef struct uv_write_s uv_write_t;
typedef struct uv_connect_s uv_connect_t;
typedef struct uv_udp_send_s uv_udp_send_t;
typedef struct uv_fs_s uv_fs_t;
typedef struct uv_work_s uv_work_t;
typedef struct uv_getaddrinfo_s uv_getaddrinfo_t;
typedef struct uv_getnameinfo_s uv_getnameinfo_t;
typedef struct uv_random_s uv_random_t;
typedef struct uv_loop_s uv_loop_t;

/**
 * Options of `uv_loop_configure()`.
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_option>.
 */
typedef enum {
  /**
   * Block a signal while the loop waits for events. The argument is the signal number;
   * only `SIGPROF` is supported, others answer `UV_EINVAL`.
   */
  UV_LOOP_BLOCK_SIGNAL = 0,
  /**
   * Record how long the loop sits idle in its poll phase, for `uv_metrics_idle_time()`.
   * No argument.
   */
  UV_METRICS_IDLE_TIME = 1,
  /** Allow an io_uring submission queue that the kernel polls. No argument. */
  UV_LOOP_USE_IO_URING_SQPOLL = 2,
} uv_loop_option;

/**
 * How `uv_run()` runs a loop.
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_run_mode>.
 */
typedef enum {
  /** Until no active and referenced handle or request is left. */
  UV_RUN_DEFAULT = 0,
  /** One iteration, which waits for an event if none is pending. */
  UV_RUN_ONCE = 1,
  /** One iteration that does not wait. */
  UV_RUN_NOWAIT = 2,
} uv_run_mode;

/**
 * Clocks of `uv_clock_gettime()`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_clock_id>.
 */
typedef enum {
  /** Time that never goes back, from an unspecified start. */
  UV_CLOCK_MONOTONIC = 0,
  /** Wall-clock time since the Unix epoch. */
  UV_CLOCK_REALTIME = 1,
} uv_clock_id;

/**
 * What `uv_udp_set_membership()` does with a multicast group.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_membership>.
 */
typedef enum {
  /** Leave the group. */
  UV_LEAVE_GROUP = 0,
  /** Join the group. */
  UV_JOIN_GROUP = 1,
} uv_membership;

/**
 * Modes of `uv_tty_set_mode()`.
 * See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_mode_t>.
 */
typedef enum {
  /** The mode the terminal started in. */
  UV_TTY_MODE_NORMAL = 0,
  /** Raw input: no echo, no line editing, no signals from keys; output is still processed. */
  UV_TTY_MODE_RAW = 1,
  /** Binary-safe input and output, for a terminal used as a channel between processes. */
  UV_TTY_MODE_IO = 2,
  /** As `UV_TTY_MODE_RAW`. On Windows it also makes the console send escape sequences. */
  UV_TTY_MODE_RAW_VT = 3,
} uv_tty_mode_t;

/**
 * Whether a console understands terminal escape sequences; means something on Windows only.
 * See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_vtermstate_t>.
 */
typedef enum {
  /** Escape sequences are handled. */
  UV_TTY_SUPPORTED = 0,
  /** Escape sequences are not handled. */
  UV_TTY_UNSUPPORTED = 1,
} uv_tty_vtermstate_t;

/**
 * What a child process gets for one of its file descriptors; see `uv_stdio_container_t`.
 * See <https://docs.libuv.org/en/v1.x/process.html#c.uv_stdio_flags>.
 */
typedef enum {
  /** Nothing: `/dev/null` for descriptors 0 to 2, closed otherwise. */
  UV_IGNORE = 0,
  /**
   * A new pipe; `data.stream` becomes the parent's end. The two direction flags below
   * say, as seen from the child, which way it goes; both make it duplex.
   */
  UV_CREATE_PIPE = 1,
  /** The descriptor `data.fd`. */
  UV_INHERIT_FD = 2,
  /** The descriptor of the stream `data.stream`. */
  UV_INHERIT_STREAM = 4,
  /** With `UV_CREATE_PIPE`: the child can read from the pipe. */
  UV_READABLE_PIPE = 16,
  /** With `UV_CREATE_PIPE`: the child can write to the pipe. */
  UV_WRITABLE_PIPE = 32,
  /**
   * With `UV_CREATE_PIPE`: the child's end is non-blocking. A child that does not expect
   * that may lose data.
   */
  UV_NONBLOCK_PIPE = 64,
  /** The older name of `UV_NONBLOCK_PIPE`. */
  UV_OVERLAPPED_PIPE = 64,
} uv_stdio_flags;

/**
 * The type of a directory entry.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_dirent_type_t>.
 */
typedef enum {
  /** The file system does not say. */
  UV_DIRENT_UNKNOWN = 0,
  /** A regular file. */
  UV_DIRENT_FILE = 1,
  /** A directory. */
  UV_DIRENT_DIR = 2,
  /** A symbolic link. */
  UV_DIRENT_LINK = 3,
  /** A FIFO (named pipe). */
  UV_DIRENT_FIFO = 4,
  /** A Unix domain socket. */
  UV_DIRENT_SOCKET = 5,
  /** A character device. */
  UV_DIRENT_CHAR = 6,
  /** A block device. */
  UV_DIRENT_BLOCK = 7,
} uv_dirent_type_t;

/**
 * Which file operation a `uv_fs_t` is for.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_type>.
 */
typedef enum {
  /** None. */
  UV_FS_UNKNOWN = -1,
  /** An operation of the embedder's own. */
  UV_FS_CUSTOM = 0,
  /** `uv_fs_open()`. */
  UV_FS_OPEN = 1,
  /** `uv_fs_close()`. */
  UV_FS_CLOSE = 2,
  /** `uv_fs_read()`. */
  UV_FS_READ = 3,
  /** `uv_fs_write()`. */
  UV_FS_WRITE = 4,
  /** `uv_fs_sendfile()`. */
  UV_FS_SENDFILE = 5,
  /** `uv_fs_stat()`. */
  UV_FS_STAT = 6,
  /** `uv_fs_lstat()`. */
  UV_FS_LSTAT = 7,
  /** `uv_fs_fstat()`. */
  UV_FS_FSTAT = 8,
  /** `uv_fs_ftruncate()`. */
  UV_FS_FTRUNCATE = 9,
  /** `uv_fs_utime()`. */
  UV_FS_UTIME = 10,
  /** `uv_fs_futime()`. */
  UV_FS_FUTIME = 11,
  /** `uv_fs_access()`. */
  UV_FS_ACCESS = 12,
  /** `uv_fs_chmod()`. */
  UV_FS_CHMOD = 13,
  /** `uv_fs_fchmod()`. */
  UV_FS_FCHMOD = 14,
  /** `uv_fs_fsync()`. */
  UV_FS_FSYNC = 15,
  /** `uv_fs_fdatasync()`. */
  UV_FS_FDATASYNC = 16,
  /** `uv_fs_unlink()`. */
  UV_FS_UNLINK = 17,
  /** `uv_fs_rmdir()`. */
  UV_FS_RMDIR = 18,
  /** `uv_fs_mkdir()`. */
  UV_FS_MKDIR = 19,
  /** `uv_fs_mkdtemp()`. */
  UV_FS_MKDTEMP = 20,
  /** `uv_fs_rename()`. */
  UV_FS_RENAME = 21,
  /** `uv_fs_scandir()`. */
  UV_FS_SCANDIR = 22,
  /** `uv_fs_link()`. */
  UV_FS_LINK = 23,
  /** `uv_fs_symlink()`. */
  UV_FS_SYMLINK = 24,
  /** `uv_fs_readlink()`. */
  UV_FS_READLINK = 25,
  /** `uv_fs_chown()`. */
  UV_FS_CHOWN = 26,
  /** `uv_fs_fchown()`. */
  UV_FS_FCHOWN = 27,
  /** `uv_fs_realpath()`. */
  UV_FS_REALPATH = 28,
  /** `uv_fs_copyfile()`. */
  UV_FS_COPYFILE = 29,
  /** `uv_fs_lchown()`. */
  UV_FS_LCHOWN = 30,
  /** `uv_fs_opendir()`. */
  UV_FS_OPENDIR = 31,
  /** `uv_fs_readdir()`. */
  UV_FS_READDIR = 32,
  /** `uv_fs_closedir()`. */
  UV_FS_CLOSEDIR = 33,
  /** `uv_fs_statfs()`. */
  UV_FS_STATFS = 34,
  /** `uv_fs_mkstemp()`. */
  UV_FS_MKSTEMP = 35,
  /** `uv_fs_lutime()`. */
  UV_FS_LUTIME = 36,
} uv_fs_type;

/** Flags of `uv_thread_options_t`. */
typedef enum {
  /** None of the options is set. */
  UV_THREAD_NO_FLAGS = 0,
  /** `stack_size` is set. */
  UV_THREAD_HAS_STACK_SIZE = 1,
} uv_thread_create_flags;

/* Some programs ask with #ifdef whether it is there. */
#define UV_LOOP_USE_IO_URING_SQPOLL UV_LOOP_USE_IO_URING_SQPOLL

/**
 * Flags of `uv_tcp_bind()`.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_flags>.
 */
enum uv_tcp_flags {
  /** An IPv6 socket does not accept IPv4 connections. */
  UV_TCP_IPV6ONLY = 1,
  /**
   * Set `SO_REUSEPORT`: several sockets listen on the same address and port, and the
   * kernel spreads connections over them.
   */
  UV_TCP_REUSEPORT = 2,
};

/**
 * Flags of `uv_udp_init_ex()`, `uv_udp_bind()`, `uv_udp_open_ex()` and of the receive
 * callback.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_flags>.
 */
enum uv_udp_flags {
  /** For `uv_udp_bind()`: an IPv6 socket does not receive IPv4 datagrams. */
  UV_UDP_IPV6ONLY = 1,
  /** To the receive callback: the datagram was longer than the buffer; the rest is lost. */
  UV_UDP_PARTIAL = 2,
  /**
   * For `uv_udp_bind()`: set `SO_REUSEADDR`, so that several sockets can be bound to the
   * same address. The one bound last receives what is sent to a unicast address.
   */
  UV_UDP_REUSEADDR = 4,
  /**
   * To the receive callback: the datagram came from recvmmsg(2), and its buffer is a part
   * of a larger one that must not be freed yet.
   */
  UV_UDP_MMSG_CHUNK = 8,
  /**
   * To the receive callback: the large recvmmsg(2) buffer is no longer needed and can be
   * freed. `nread` is 0 and `addr` is NULL.
   */
  UV_UDP_MMSG_FREE = 16,
  /**
   * For `uv_udp_bind()`: set `IP_RECVERR` (`IPV6_RECVERR`), so that ICMP errors are
   * reported to the application.
   */
  UV_UDP_LINUX_RECVERR = 32,
  /**
   * For `uv_udp_bind()`: set `SO_REUSEPORT`; the kernel spreads incoming datagrams over
   * the sockets bound to the address.
   */
  UV_UDP_REUSEPORT = 64,
  /**
   * For `uv_udp_init_ex()`: receive several datagrams per system call with recvmmsg(2).
   * The allocation callback should then return multiples of 64 KiB.
   */
  UV_UDP_RECVMMSG = 256,
};

/** Flags of `uv_pipe_bind2()` and `uv_pipe_connect2()`. */
enum uv__pipe_flags {
  /** A name that is too long is an error (`UV_EINVAL`) instead of being cut. */
  UV_PIPE_NO_TRUNCATE = 1,
};

/**
 * Events of a `uv_poll_t`.
 * See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_event>.
 */
enum uv_poll_event {
  /** There is something to read. */
  UV_READABLE = 1,
  /** There is room to write. */
  UV_WRITABLE = 2,
  /** The peer closed its writing end, or both. */
  UV_DISCONNECT = 4,
  /** Urgent (out-of-band) data, or a sysfs event. */
  UV_PRIORITIZED = 8,
};

/**
 * Flags of `uv_process_options_t`.
 * See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_flags>.
 */
enum uv_process_flags {
  /** Run the child as the user `uid`. */
  UV_PROCESS_SETUID = 1,
  /** Run the child as the group `gid`. */
  UV_PROCESS_SETGID = 2,
  /** Windows only: do not quote the arguments. */
  UV_PROCESS_WINDOWS_VERBATIM_ARGUMENTS = 4,
  /**
   * Make the child a session leader, so that it can outlive the parent. The handle still
   * keeps the parent's loop alive unless it is unreferenced.
   */
  UV_PROCESS_DETACHED = 8,
  /** Windows only: hide the child's window. */
  UV_PROCESS_WINDOWS_HIDE = 16,
  /** Windows only: hide the child's console window. */
  UV_PROCESS_WINDOWS_HIDE_CONSOLE = 32,
  /** Windows only: hide the child's GUI window. */
  UV_PROCESS_WINDOWS_HIDE_GUI = 64,
  /** Windows only: look for the exact file name before trying `.exe` and `.cmd`. */
  UV_PROCESS_WINDOWS_FILE_PATH_EXACT_NAME = 128,
};

/** Priorities of `uv_thread_setpriority()`. */
enum uv__thread_priority {
  /** The highest. */
  UV_THREAD_PRIORITY_HIGHEST = 2,
  /** Above normal. */
  UV_THREAD_PRIORITY_ABOVE_NORMAL = 1,
  /** Normal. */
  UV_THREAD_PRIORITY_NORMAL = 0,
  /** Below normal. */
  UV_THREAD_PRIORITY_BELOW_NORMAL = -1,
  /** The lowest. */
  UV_THREAD_PRIORITY_LOWEST = -2,
};

/**
 * Events that a `uv_fs_event_t` reports.
 * See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event>.
 */
enum uv_fs_event {
  /** The file was renamed, created or deleted. */
  UV_RENAME = 1,
  /** The file's content or attributes changed. */
  UV_CHANGE = 2,
};

/**
 * Flags of `uv_fs_event_start()`.
 * See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_flags>.
 */
enum uv_fs_event_flags {
  /** Watch the directory entry itself instead of what is in it. Not implemented. */
  UV_FS_EVENT_WATCH_ENTRY = 1,
  /** Use stat(2) at an interval instead of the kernel's notification. Not implemented. */
  UV_FS_EVENT_STAT = 2,
  /** Also watch subdirectories, where the system can. Linux cannot. */
  UV_FS_EVENT_RECURSIVE = 4,
};

/* ---- Constants ---- */

/** For `uv_fs_copyfile()`: fail with `UV_EEXIST` if the destination exists. */
#define UV_FS_COPYFILE_EXCL 1

/**
 * For `uv_fs_copyfile()`: try to share the blocks with the original (a reflink); copy if that
 * is not possible.
 */
#define UV_FS_COPYFILE_FICLONE 2

/** For `uv_fs_copyfile()`: share the blocks with the original, or fail. */
#define UV_FS_COPYFILE_FICLONE_FORCE 4

/** For `uv_fs_symlink()` on Windows: the target is a directory. */
#define UV_FS_SYMLINK_DIR 1

/** For `uv_fs_symlink()` on Windows: make a junction point. */
#define UV_FS_SYMLINK_JUNCTION 2

/** For `uv_os_setpriority()`: the lowest priority. */
#define UV_PRIORITY_LOW 19

/** For `uv_os_setpriority()`: below normal. */
#define UV_PRIORITY_BELOW_NORMAL 10

/** For `uv_os_setpriority()`: normal. */
#define UV_PRIORITY_NORMAL 0

/** For `uv_os_setpriority()`: above normal; needs privileges, as do the ones below. */
#define UV_PRIORITY_ABOVE_NORMAL -7

/** For `uv_os_setpriority()`: high. */
#define UV_PRIORITY_HIGH -14

/** For `uv_os_setpriority()`: the highest priority. */
#define UV_PRIORITY_HIGHEST -20

/** A time for `uv_fs_utime()` and its kin: the present. */
#define UV_FS_UTIME_NOW INFINITY
/** A time for `uv_fs_utime()` and its kin: leave it as it is. */
#define UV_FS_UTIME_OMIT NAN

/** A buffer of this size holds any host name; see `uv_os_gethostname()`. */
#ifdef MAXHOSTNAMELEN
# define UV_MAXHOSTNAMESIZE (MAXHOSTNAMELEN + 1)
#else
# define UV_MAXHOSTNAMESIZE 256
#endif

/** A buffer of this size holds any interface name; see `uv_if_indextoname()`. */
#if defined(IF_NAMESIZE)
# define UV_IF_NAMESIZE (IF_NAMESIZE + 1)
#elif defined(IFNAMSIZ)
# define UV_IF_NAMESIZE (IFNAMSIZ + 1)
#else
# define UV_IF_NAMESIZE (16 + 1)
#endif

/* ---- Callbacks ---- */

/**
 * Replaces malloc(3); see `uv_replace_allocator()`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_malloc_func>.
 */
typedef void *(*uv_malloc_func)(size_t size);

/**
 * Replaces realloc(3).
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_realloc_func>.
 */
typedef void *(*uv_realloc_func)(void *ptr, size_t size);

/**
 * Replaces calloc(3).
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_calloc_func>.
 */
typedef void *(*uv_calloc_func)(size_t count, size_t size);

/**
 * Replaces free(3).
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_free_func>.
 */
typedef void (*uv_free_func)(void *ptr);

/**
 * Asks for memory to read into. Sets `buf` to a buffer of any length; `suggested_size` is a
 * hint. A NULL or empty buffer makes the read callback report `UV_ENOBUFS`. The buffer is the
 * caller's again when the read callback gets it.
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_alloc_cb>.
 */
typedef void (*uv_alloc_cb)(uv_handle_t *handle, size_t suggested_size, uv_buf_t *buf);

/**
 * Reports data that was read: `nread` bytes in `buf`; 0 for nothing (try again later, not an
 * error); `UV_EOF` at the end of the stream; or another error, after which reading is to be
 * stopped or the stream closed. `buf` is what the allocation callback set, and it is the
 * caller's to free whatever `nread` says.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_read_cb>.
 */
typedef void (*uv_read_cb)(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf);

/**
 * A write is done; `status` is 0 or an error. `req` and the buffers are the caller's again.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_write_cb>.
 */
typedef void (*uv_write_cb)(uv_write_t *req, int status);

/**
 * A connection is made, or has failed with `status`.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_connect_cb>.
 */
typedef void (*uv_connect_cb)(uv_connect_t *req, int status);

/**
 * The writing side is shut down, or that has failed with `status`.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_shutdown_cb>.
 */
typedef void (*uv_shutdown_cb)(uv_shutdown_t *req, int status);

/**
 * A connection is waiting for `uv_accept()`, or accepting has failed with `status`.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_connection_cb>.
 */
typedef void (*uv_connection_cb)(uv_stream_t *server, int status);

/**
 * The handle is closed. The library does not touch it any more: it can be freed here.
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_close_cb>.
 */
typedef void (*uv_close_cb)(uv_handle_t *handle);

/**
 * The descriptor is ready for `events` (of `enum uv_poll_event`), or `status` is an error.
 * See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_cb>.
 */
typedef void (*uv_poll_cb)(uv_poll_t *handle, int status, int events);

/**
 * The timer is due.
 * See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_cb>.
 */
typedef void (*uv_timer_cb)(uv_timer_t *handle);

/**
 * `uv_async_send()` was called, once or several times.
 * See <https://docs.libuv.org/en/v1.x/async.html#c.uv_async_cb>.
 */
typedef void (*uv_async_cb)(uv_async_t *handle);

/**
 * The loop is about to wait for events.
 * See <https://docs.libuv.org/en/v1.x/prepare.html#c.uv_prepare_cb>.
 */
typedef void (*uv_prepare_cb)(uv_prepare_t *handle);

/**
 * The loop has waited for events.
 * See <https://docs.libuv.org/en/v1.x/check.html#c.uv_check_cb>.
 */
typedef void (*uv_check_cb)(uv_check_t *handle);

/**
 * Once per loop iteration, before the prepare callbacks.
 * See <https://docs.libuv.org/en/v1.x/idle.html#c.uv_idle_cb>.
 */
typedef void (*uv_idle_cb)(uv_idle_t *handle);

/**
 * The child process ended, with `exit_status`, or because of the signal `term_signal` if that
 * is not 0.
 * See <https://docs.libuv.org/en/v1.x/process.html#c.uv_exit_cb>.
 */
typedef void (*uv_exit_cb)(uv_process_t *handle, int64_t exit_status, int term_signal);

/**
 * Called by `uv_walk()` for each handle of a loop.
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_walk_cb>.
 */
typedef void (*uv_walk_cb)(uv_handle_t *handle, void *arg);

/**
 * The file operation is done; `req->result` says how.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_cb>.
 */
typedef void (*uv_fs_cb)(uv_fs_t *req);

/**
 * The work itself. Runs on a thread of the pool.
 * See <https://docs.libuv.org/en/v1.x/threadpool.html#c.uv_work_cb>.
 */
typedef void (*uv_work_cb)(uv_work_t *req);

/**
 * The work is done. Runs on the loop's thread; `status` is 0, or `UV_ECANCELED` if
 * `uv_cancel()` was in time.
 * See <https://docs.libuv.org/en/v1.x/threadpool.html#c.uv_after_work_cb>.
 */
typedef void (*uv_after_work_cb)(uv_work_t *req, int status);

/**
 * The look-up is done. `res` is to be freed with `uv_freeaddrinfo()`; it is NULL if `status`
 * is an error.
 * See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getaddrinfo_cb>.
 */
typedef void (*uv_getaddrinfo_cb)(uv_getaddrinfo_t *req, int status, struct addrinfo *res);

/**
 * The look-up is done. The strings belong to `req`.
 * See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getnameinfo_cb>.
 */
typedef void (*uv_getnameinfo_cb)(uv_getnameinfo_t *req,
                                  int status,
                                  const char *hostname,
                                  const char *service);

/**
 * `buf` is filled with random bytes, or `status` is an error.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_random_cb>.
 */
typedef void (*uv_random_cb)(uv_random_t *req, int status, void *buf, size_t buflen);

/**
 * Something changed. `filename` is relative to the watched directory, or NULL; `events` is of
 * `enum uv_fs_event`.
 * See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_cb>.
 */
typedef void (*uv_fs_event_cb)(uv_fs_event_t *handle,
                               const char *filename,
                               int events,
                               int status);

/**
 * The watched path changed from `prev` to `curr`, or could not be read (`status`).
 * See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_cb>.
 */
typedef void (*uv_fs_poll_cb)(uv_fs_poll_t *handle,
                              int status,
                              const uv_stat_t *prev,
                              const uv_stat_t *curr);

/**
 * The signal was received.
 * See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_cb>.
 */
typedef void (*uv_signal_cb)(uv_signal_t *handle, int signum);

/**
 * The datagram is sent; `status` is 0 or an error.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_send_cb>.
 */
typedef void (*uv_udp_send_cb)(uv_udp_send_t *req, int status);

/**
 * Reports a datagram: `nread` bytes in `buf` from `addr`. `nread` 0 with `addr` NULL means
 * that there is nothing to read; 0 with an address is an empty datagram; a negative `nread` is
 * an error. `flags` is of `enum uv_udp_flags`. `addr` is valid during the call only.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_recv_cb>.
 */
typedef void (*uv_udp_recv_cb)(uv_udp_t *handle,
                               ssize_t nread,
                               const uv_buf_t *buf,
                               const struct sockaddr *addr,
                               unsigned int flags);

/**
 * The function that a new thread runs.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_cb>.
 */
typedef void (*uv_thread_cb)(void *arg);

/* ---- Structs that carry data ---- */

/**
 * A time with nanoseconds, in C's `long`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_timespec_t>.
 */
struct uv_timespec_s {
  /** Seconds. */
  long tv_sec;
  /** Nanoseconds, 0 to 999999999. */
  long tv_nsec;
};

/**
 * A time with nanoseconds that fits any date.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_timespec64_t>.
 */
struct uv_timespec64_s {
  /** Seconds. */
  int64_t tv_sec;
  /** Nanoseconds, 0 to 999999999. */
  int32_t tv_nsec;
};

/**
 * A time with microseconds, in C's `long`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_timeval_t>.
 */
struct uv_timeval_s {
  /** Seconds. */
  long tv_sec;
  /** Microseconds, 0 to 999999. */
  long tv_usec;
};

/**
 * A time with microseconds that fits any date.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_timeval64_t>.
 */
struct uv_timeval64_s {
  /** Seconds. */
  int64_t tv_sec;
  /** Microseconds, 0 to 999999. */
  int32_t tv_usec;
};

/**
 * What stat(2) says about a file.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_stat_t>.
 */
struct uv_stat_s {
  /** The device that holds the file. */
  uint64_t st_dev;
  /** File type and permissions. */
  uint64_t st_mode;
  /** Number of hard links. */
  uint64_t st_nlink;
  /** User id of the owner. */
  uint64_t st_uid;
  /** Group id of the owner. */
  uint64_t st_gid;
  /** For a device file, which device it is. */
  uint64_t st_rdev;
  /** Inode number. */
  uint64_t st_ino;
  /** Size in bytes. */
  uint64_t st_size;
  /** Preferred block size for reading and writing. */
  uint64_t st_blksize;
  /** Blocks of 512 bytes allocated. */
  uint64_t st_blocks;
  /** 0 on Linux. */
  uint64_t st_flags;
  /** 0 on Linux. */
  uint64_t st_gen;
  /** Last access. */
  struct uv_timespec_s st_atim;
  /** Last change of the content. */
  struct uv_timespec_s st_mtim;
  /** Last change of the attributes. */
  struct uv_timespec_s st_ctim;
  /** Creation, if the file system records it. */
  struct uv_timespec_s st_birthtim;
};

/**
 * A directory entry.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_dirent_t>.
 */
struct uv_dirent_s {
  /** The name, without the directory. */
  const char *name;
  /** What it is, or `UV_DIRENT_UNKNOWN`. */
  uv_dirent_type_t type;
};

/**
 * A directory opened by `uv_fs_opendir()`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_dir_t>.
 */
struct uv_dir_s {
  /** Where `uv_fs_readdir()` puts the entries. The caller sets it. */
  struct uv_dirent_s *dirents;
  /** How many entries `dirents` has room for. */
  size_t nentries;
  void *reserved[4];
  DIR *dir;
};

/**
 * What statfs(2) says about a file system.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_statfs_t>.
 */
struct uv_statfs_s {
  /** The file system's magic number. */
  uint64_t f_type;
  /** Preferred transfer size. */
  uint64_t f_bsize;
  /** Blocks of `f_frsize` bytes. */
  uint64_t f_blocks;
  /** Free blocks. */
  uint64_t f_bfree;
  /** Free blocks that an unprivileged user can have. */
  uint64_t f_bavail;
  /** Inodes. */
  uint64_t f_files;
  /** Free inodes. */
  uint64_t f_ffree;
  /** Fragment size: the unit of the block counts. */
  uint64_t f_frsize;
  uint64_t f_spare[3];
};

/**
 * Counters of a loop; see `uv_metrics_info()`.
 * See <https://docs.libuv.org/en/v1.x/metrics.html#c.uv_metrics_t>.
 */
struct uv_metrics_s {
  /** Iterations of the loop. */
  uint64_t loop_count;
  /** Events processed. */
  uint64_t events;
  /** Events that were already waiting when the loop asked. */
  uint64_t events_waiting;
  uint64_t *reserved[13];
};

/** `data` of `uv_stdio_container_t`. */
union uv__stdio_container_data {
  /** With `UV_CREATE_PIPE` and `UV_INHERIT_STREAM`. */
  uv_stream_t *stream;
  /** With `UV_INHERIT_FD`. */
  int fd;
};

/**
 * What a child process gets for one of its file descriptors.
 * See <https://docs.libuv.org/en/v1.x/process.html#c.uv_stdio_container_t>.
 */
struct uv_stdio_container_s {
  /** What kind of thing. */
  uv_stdio_flags flags;
  /** Which one. */
  union uv__stdio_container_data data;
};

/**
 * What `uv_spawn()` is to start.
 * See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_options_t>.
 */
struct uv_process_options_s {
  /** Called after the process has ended. May be NULL. */
  uv_exit_cb exit_cb;
  /** The program: a path, or a name to be looked up in `PATH`. */
  const char *file;
  /** The arguments, ended by NULL; `args[0]` should be the program. */
  char **args;
  /** The environment, ended by NULL; NULL for the parent's. */
  char **env;
  /** The working directory; NULL for the parent's. */
  const char *cwd;
  /** Of `enum uv_process_flags`. */
  unsigned int flags;
  /** How many descriptors `stdio` describes. */
  int stdio_count;
  /** What the child gets as descriptor 0, 1, 2 and so on. */
  struct uv_stdio_container_s *stdio;
  /** The user to run as, with `UV_PROCESS_SETUID`. */
  uv_uid_t uid;
  /** The group to run as, with `UV_PROCESS_SETGID`. */
  uv_gid_t gid;
};

/** Time that a CPU has spent, in milliseconds. */
struct uv_cpu_times_s {
  /** In user space. */
  uint64_t user;
  /** In user space at low priority. */
  uint64_t nice;
  /** In the kernel. */
  uint64_t sys;
  /** Idle. */
  uint64_t idle;
  /** In interrupts. */
  uint64_t irq;
};

/**
 * A CPU; see `uv_cpu_info()`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_cpu_info_t>.
 */
struct uv_cpu_info_s {
  /** Its name. */
  const char *model;
  /** Its frequency in MHz. */
  int speed;
  /** What it has spent its time on. */
  struct uv_cpu_times_s cpu_times;
};

/** `address` of `uv_interface_address_t`; `address4.sin_family` tells which. */
union uv__interface_address {
  struct sockaddr_in address4;
  struct sockaddr_in6 address6;
};

/** `netmask` of `uv_interface_address_t`. */
union uv__interface_netmask {
  struct sockaddr_in netmask4;
  struct sockaddr_in6 netmask6;
};

/**
 * An address of a network interface; see `uv_interface_addresses()`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_interface_address_t>.
 */
struct uv_interface_address_s {
  /** The interface's name. */
  char *name;
  /** Its hardware address. */
  char phys_addr[6];
  /** Non-zero for a loopback interface. */
  int is_internal;
  /** The address. */
  union uv__interface_address address;
  /** The address's netmask. */
  union uv__interface_netmask netmask;
};

/**
 * A user account; see `uv_os_get_passwd()`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_passwd_t>.
 */
struct uv_passwd_s {
  /** Login name. */
  char *username;
  /** User id. */
  unsigned long uid;
  /** Group id. */
  unsigned long gid;
  /** Login shell. */
  char *shell;
  /** Home directory. */
  char *homedir;
};

/**
 * A user group; see `uv_os_get_group()`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_group_t>.
 */
struct uv_group_s {
  /** Its name. */
  char *groupname;
  /** Its id. */
  unsigned long gid;
  /** The names of its members, ended by NULL. */
  char **members;
};

/**
 * The system's name and version; see `uv_os_uname()`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_utsname_t>.
 */
struct uv_utsname_s {
  /** The operating system: "Linux". */
  char sysname[256];
  /** Its release. */
  char release[256];
  /** Its version. */
  char version[256];
  /** The hardware: "x86_64". */
  char machine[256];
};

/**
 * An environment variable; see `uv_os_environ()`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_env_item_t>.
 */
struct uv_env_item_s {
  /** Its name. */
  char *name;
  /** Its value. */
  char *value;
};

/**
 * Resources used; see `uv_getrusage()`. What the system does not count is 0.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_rusage_t>.
 */
struct uv_rusage_s {
  /** CPU time in user space. */
  struct uv_timeval_s ru_utime;
  /** CPU time in the kernel. */
  struct uv_timeval_s ru_stime;
  /** Largest resident set, in kilobytes. */
  uint64_t ru_maxrss;
  /** Shared memory. */
  uint64_t ru_ixrss;
  /** Unshared data. */
  uint64_t ru_idrss;
  /** Unshared stack. */
  uint64_t ru_isrss;
  /** Page faults served without I/O. */
  uint64_t ru_minflt;
  /** Page faults that needed I/O. */
  uint64_t ru_majflt;
  /** Swaps. */
  uint64_t ru_nswap;
  /** Block input operations. */
  uint64_t ru_inblock;
  /** Block output operations. */
  uint64_t ru_oublock;
  /** IPC messages sent. */
  uint64_t ru_msgsnd;
  /** IPC messages received. */
  uint64_t ru_msgrcv;
  /** Signals received. */
  uint64_t ru_nsignals;
  /** Voluntary context switches. */
  uint64_t ru_nvcsw;
  /** Involuntary context switches. */
  uint64_t ru_nivcsw;
};

/**
 * Options of `uv_thread_create_ex()`.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_options_t>.
 */
struct uv_thread_options_s {
  /** Which of the options are set, of `uv_thread_create_flags`. */
  unsigned int flags;
  /** Stack size in bytes; rounded up to a page, and to the system's minimum. */
  size_t stack_size;
};

/* ---- Handles ---- */

/* The fields that all handles begin with. */
#define UV_HANDLE_FIELDS \
  /** Free for the caller's use. */ \
  void *data; \
  /** The loop that the handle belongs to. Read-only. */ \
  uv_loop_t *loop; \
  /** Which handle it is. Read-only. */ \
  uv_handle_type type; \
  uv_close_cb close_cb; \
  struct uv__queue handle_queue; \
  union uv__handle_u u; \
  struct uv_handle_s *next_closing; \
  unsigned int flags;

/* The fields that streams have after those. */
#define UV_STREAM_FIELDS \
  /** Bytes queued for writing. Read-only. */ \
  size_t write_queue_size; \
  uv_alloc_cb alloc_cb; \
  uv_read_cb read_cb; \
  uv_connect_t *connect_req; \
  uv_shutdown_t *shutdown_req; \
  uv__io_t io_watcher; \
  struct uv__queue write_queue; \
  struct uv__queue write_completed_queue; \
  uv_connection_cb connection_cb; \
  int delayed_error; \
  int accepted_fd; \
  void *queued_fds;

/** Private: room that handle types use differently. */
union uv__handle_u {
  int fd;
  void *reserved[4];
};

/**
 * What all handles begin with.
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_handle_t>.
 */
struct uv_handle_s {
  UV_HANDLE_FIELDS
};

/**
 * What the stream handles (TCP, pipe, TTY) begin with.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_stream_t>.
 */
struct uv_stream_s {
  UV_HANDLE_FIELDS
  UV_STREAM_FIELDS
};

/**
 * A TCP connection or a listening TCP socket. A stream.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_t>.
 */
struct uv_tcp_s {
  UV_HANDLE_FIELDS
  UV_STREAM_FIELDS
};

/**
 * A Unix domain socket, a pipe or a FIFO. A stream.
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_t>.
 */
struct uv_pipe_s {
  UV_HANDLE_FIELDS
  UV_STREAM_FIELDS
  /** Non-zero if handles can be passed over it. */
  int ipc;
  const char *pipe_fname;
};

/**
 * A terminal. A stream.
 * See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_t>.
 */
struct uv_tty_s {
  UV_HANDLE_FIELDS
  UV_STREAM_FIELDS
  struct termios orig_termios;
  int mode;
};

/**
 * A UDP socket.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_t>.
 */
struct uv_udp_s {
  UV_HANDLE_FIELDS
  /** Bytes queued for sending. Read-only. */
  size_t send_queue_size;
  /** Datagrams queued for sending. Read-only. */
  size_t send_queue_count;
  uv_alloc_cb alloc_cb;
  uv_udp_recv_cb recv_cb;
  uv__io_t io_watcher;
  struct uv__queue write_queue;
  struct uv__queue write_completed_queue;
};

/**
 * Watches a file descriptor of the caller's.
 * See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_t>.
 */
struct uv_poll_s {
  UV_HANDLE_FIELDS
  uv_poll_cb poll_cb;
  uv__io_t io_watcher;
};

/** Private: a timer's place among the timers. */
union uv__timer_node {
  void *heap[3];
  struct uv__queue queue;
};

/**
 * A timer.
 * See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_t>.
 */
struct uv_timer_s {
  UV_HANDLE_FIELDS
  uv_timer_cb timer_cb;
  union uv__timer_node node;
  uint64_t timeout;
  uint64_t repeat;
  uint64_t start_id;
};

/**
 * Calls back before the loop waits for events.
 * See <https://docs.libuv.org/en/v1.x/prepare.html#c.uv_prepare_t>.
 */
struct uv_prepare_s {
  UV_HANDLE_FIELDS
  uv_prepare_cb prepare_cb;
  struct uv__queue queue;
};

/**
 * Calls back after the loop has waited for events.
 * See <https://docs.libuv.org/en/v1.x/check.html#c.uv_check_t>.
 */
struct uv_check_s {
  UV_HANDLE_FIELDS
  uv_check_cb check_cb;
  struct uv__queue queue;
};

/**
 * Calls back in every iteration; while one is active, the loop does not wait for events.
 * See <https://docs.libuv.org/en/v1.x/idle.html#c.uv_idle_t>.
 */
struct uv_idle_s {
  UV_HANDLE_FIELDS
  uv_idle_cb idle_cb;
  struct uv__queue queue;
};

/**
 * Wakes the loop up from another thread or from a signal handler.
 * See <https://docs.libuv.org/en/v1.x/async.html#c.uv_async_t>.
 */
struct uv_async_s {
  UV_HANDLE_FIELDS
  uv_async_cb async_cb;
  struct uv__queue queue;
  int pending;
};

/**
 * A child process.
 * See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_t>.
 */
struct uv_process_s {
  UV_HANDLE_FIELDS
  uv_exit_cb exit_cb;
  /** The process id. Read-only. */
  int pid;
  struct uv__queue queue;
  int status;
};

/**
 * Watches a file or directory through the kernel's notification.
 * See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_t>.
 */
struct uv_fs_event_s {
  UV_HANDLE_FIELDS
  char *path;
  uv_fs_event_cb cb;
  struct uv__queue watchers;
  int wd;
};

/**
 * Watches a path by calling stat(2) at an interval.
 * See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_t>.
 */
struct uv_fs_poll_s {
  UV_HANDLE_FIELDS
  void *poll_ctx;
};

/** Private: a signal watcher's place among the watchers. */
struct uv__signal_tree_entry {
  void *rbe_left;
  void *rbe_right;
  void *rbe_parent;
  int rbe_color;
};

/**
 * Watches a signal.
 * See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_t>.
 */
struct uv_signal_s {
  UV_HANDLE_FIELDS
  uv_signal_cb signal_cb;
  /** The signal number; 0 while stopped. Read-only. */
  int signum;
  struct uv__signal_tree_entry tree_entry;
  unsigned int caught_signals;
  unsigned int dispatched_signals;
};

/**
 * Memory for any handle.
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_any_handle>.
 */
union uv_any_handle {
  struct uv_async_s async;
  struct uv_check_s check;
  struct uv_fs_event_s fs_event;
  struct uv_fs_poll_s fs_poll;
  struct uv_handle_s handle;
  struct uv_idle_s idle;
  struct uv_pipe_s pipe;
  struct uv_poll_s poll;
  struct uv_prepare_s prepare;
  struct uv_process_s process;
  struct uv_stream_s stream;
  struct uv_tcp_s tcp;
  struct uv_timer_s timer;
  struct uv_tty_s tty;
  struct uv_udp_s udp;
  struct uv_signal_s signal;
};

/* ---- Requests ---- */

/* The fields that all requests begin with. */
#define UV_REQ_FIELDS \
  /** Free for the caller's use. */ \
  void *data; \
  /** Which request it is. Read-only. */ \
  uv_req_type type; \
  void *reserved[6];

/**
 * What all requests begin with.
 * See <https://docs.libuv.org/en/v1.x/request.html#c.uv_req_t>.
 */
struct uv_req_s {
  UV_REQ_FIELDS
};

/**
 * A request of `uv_shutdown()`.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_shutdown_t>.
 */
struct uv_shutdown_s {
  UV_REQ_FIELDS
  /** The stream. */
  uv_stream_t *handle;
  uv_shutdown_cb cb;
};

/**
 * A request of `uv_write()` and `uv_write2()`.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_write_t>.
 */
struct uv_write_s {
  UV_REQ_FIELDS
  uv_write_cb cb;
  /** The stream sent along with the data, or NULL. */
  uv_stream_t *send_handle;
  /** The stream written to. */
  uv_stream_t *handle;
  struct uv__queue queue;
  unsigned int write_index;
  uv_buf_t *bufs;
  unsigned int nbufs;
  int error;
  uv_buf_t bufsml[4];
};

/**
 * A request of `uv_tcp_connect()` and `uv_pipe_connect()`.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_connect_t>.
 */
struct uv_connect_s {
  UV_REQ_FIELDS
  uv_connect_cb cb;
  /** The stream that is being connected. */
  uv_stream_t *handle;
  struct uv__queue queue;
};

/** Private: the destination of a datagram. */
union uv__udp_send_addr {
  struct sockaddr addr;
  struct sockaddr_storage storage;
};

/**
 * A request of `uv_udp_send()`.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_send_t>.
 */
struct uv_udp_send_s {
  UV_REQ_FIELDS
  /** The socket. */
  uv_udp_t *handle;
  uv_udp_send_cb cb;
  struct uv__queue queue;
  union uv__udp_send_addr u;
  unsigned int nbufs;
  uv_buf_t *bufs;
  ssize_t status;
  uv_udp_send_cb send_cb;
  uv_buf_t bufsml[4];
};

/**
 * A file operation. After its callback, or after the call if it was synchronous, it must be
 * given to `uv_fs_req_cleanup()`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_t>.
 */
struct uv_fs_s {
  UV_REQ_FIELDS
  /** Which operation. */
  uv_fs_type fs_type;
  /** The loop. */
  uv_loop_t *loop;
  uv_fs_cb cb;
  /** The outcome: a byte count, a descriptor or 0, or an error if it is negative. */
  ssize_t result;
  /**
   * The outcome of operations that return more than a number: the target of
   * `uv_fs_readlink()` and `uv_fs_realpath()`, the `uv_dir_t` of `uv_fs_opendir()`, the
   * `uv_stat_t` or `uv_statfs_t` of those calls.
   */
  void *ptr;
  /** The path that the operation is about; a copy unless the call was synchronous. */
  const char *path;
  /** The outcome of `uv_fs_stat()`, `uv_fs_fstat()` and `uv_fs_lstat()`. */
  uv_stat_t statbuf;
  const char *new_path;
  uv_file file;
  int flags;
  mode_t mode;
  unsigned int nbufs;
  uv_buf_t *bufs;
  off_t off;
  uv_uid_t uid;
  uv_gid_t gid;
  double atime;
  double mtime;
  struct uv__work work_req;
  uv_buf_t bufsml[4];
};

/**
 * A request of `uv_queue_work()`.
 * See <https://docs.libuv.org/en/v1.x/threadpool.html#c.uv_work_t>.
 */
struct uv_work_s {
  UV_REQ_FIELDS
  /** The loop that learns of the end of the work. */
  uv_loop_t *loop;
  uv_work_cb work_cb;
  uv_after_work_cb after_work_cb;
  struct uv__work work_req;
};

/**
 * A request of `uv_getaddrinfo()`.
 * See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getaddrinfo_t>.
 */
struct uv_getaddrinfo_s {
  UV_REQ_FIELDS
  /** The loop. */
  uv_loop_t *loop;
  struct uv__work work_req;
  uv_getaddrinfo_cb cb;
  struct addrinfo *hints;
  char *hostname;
  char *service;
  /**
   * After a synchronous call (no callback), the outcome, to be freed with
   * `uv_freeaddrinfo()`.
   */
  struct addrinfo *addrinfo;
  int retcode;
};

/**
 * A request of `uv_getnameinfo()`.
 * See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getnameinfo_t>.
 */
struct uv_getnameinfo_s {
  UV_REQ_FIELDS
  /** The loop. */
  uv_loop_t *loop;
  struct uv__work work_req;
  uv_getnameinfo_cb getnameinfo_cb;
  struct sockaddr_storage storage;
  int flags;
  /** The outcome: the name of the host. */
  char host[NI_MAXHOST];
  /** The outcome: the name of the service. */
  char service[NI_MAXSERV];
  int retcode;
};

/**
 * A request of `uv_random()`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_random_t>.
 */
struct uv_random_s {
  UV_REQ_FIELDS
  /** The loop. */
  uv_loop_t *loop;
  int status;
  void *buf;
  size_t buflen;
  uv_random_cb cb;
  struct uv__work work_req;
};

/**
 * Memory for any request.
 * See <https://docs.libuv.org/en/v1.x/request.html#c.uv_any_req>.
 */
union uv_any_req {
  struct uv_req_s req;
  struct uv_connect_s connect;
  struct uv_write_s write;
  struct uv_shutdown_s shutdown;
  struct uv_udp_send_s udp_send;
  struct uv_fs_s fs;
  struct uv_work_s work;
  struct uv_getaddrinfo_s getaddrinfo;
  struct uv_getnameinfo_s getnameinfo;
  struct uv_random_s random;
};

/* ---- The loop ---- */

/** Private: how many requests are under way. */
union uv__active_reqs {
  void *unused;
  unsigned int count;
};

/** Private: the timers. */
struct uv__timer_heap {
  void *min;
  unsigned int nelts;
};

/**
 * An event loop. Only one thread may use it at a time; `uv_async_send()` alone may be called
 * from others. Fields other than `data` are the library's.
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_t>.
 */
struct uv_loop_s {
  /** Free for the caller's use. */
  void *data;
  unsigned int active_handles;
  struct uv__queue handle_queue;
  union uv__active_reqs active_reqs;
  void *internal_fields;
  unsigned int stop_flag;
  unsigned long flags;
  int backend_fd;
  struct uv__queue pending_queue;
  struct uv__queue watcher_queue;
  uv__io_t **watchers;
  unsigned int nwatchers;
  unsigned int nfds;
  struct uv__queue wq;
  uv_mutex_t wq_mutex;
  uv_async_t wq_async;
  uv_rwlock_t cloexec_lock;
  uv_handle_t *closing_handles;
  struct uv__queue process_handles;
  struct uv__queue prepare_handles;
  struct uv__queue check_handles;
  struct uv__queue idle_handles;
  struct uv__queue async_handles;
  void (*async_unused)(void);
  uv__io_t async_io_watcher;
  int async_wfd;
  struct uv__timer_heap timer_heap;
  uint64_t timer_counter;
  uint64_t time;
  int signal_pipefd[2];
  uv__io_t signal_io_watcher;
  uv_signal_t child_watcher;
  int emfile_fd;
  uv__io_t inotify_read_watcher;
  void *inotify_watchers;
  int inotify_fd;
};

/* ---- Functions ---- */

/* The version. */

/**
 * The version of libuv that the library in use is a drop-in for, as one number:
 * `UV_VERSION_HEX` is that of the header that the program was compiled with.
 * See <https://docs.libuv.org/en/v1.x/version.html#c.uv_version>.
 */
UV_EXTERN unsigned int uv_version(void);

/**
 * The same as text: `"1.53.0"`. The string is static.
 * See <https://docs.libuv.org/en/v1.x/version.html#c.uv_version_string>.
 */
UV_EXTERN const char *uv_version_string(void);

/* Names and messages of error codes. */

/**
 * Returns the name of an error code: `"ENOENT"` for `UV_ENOENT`.
 *
 * The string is static. For other numbers it is `"Unknown system error <err>"` in new memory that is
 * never freed; use `uv_err_name_r()` if such numbers may be frequent.
 * See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_err_name>.
 */
UV_EXTERN const char *uv_err_name(int err);

/**
 * Like `uv_err_name()`, but writes to `buf`, at most `buflen` bytes including a NUL. Allocates
 * nothing. Returns `buf`.
 * See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_err_name_r>.
 */
UV_EXTERN char *uv_err_name_r(int err, char *buf, size_t buflen);

/**
 * Returns the message of an error code: `"no such file or directory"` for `UV_ENOENT`.
 *
 * The string is static, except for a number that is not an error code; see `uv_err_name()`.
 * See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_strerror>.
 */
UV_EXTERN const char *uv_strerror(int err);

/**
 * Like `uv_strerror()`, but writes to `buf`, at most `buflen` bytes including a NUL. Allocates
 * nothing. Returns `buf`.
 * See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_strerror_r>.
 */
UV_EXTERN char *uv_strerror_r(int err, char *buf, size_t buflen);

/**
 * Converts an errno value to an error code. Returns negative numbers and zero unchanged.
 * See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_translate_sys_error>.
 */
UV_EXTERN int uv_translate_sys_error(int sys_errno);

/* Memory for API calls. It comes from the allocator installed by `uv_replace_allocator`, and a failure is
 * `Error::ENOMEM`, never an abort. */

/**
 * Replaces the functions that the library allocates memory with.
 *
 * Call it before any other function of the library, or when all memory allocated by the library has been
 * freed. It is not thread-safe.
 *
 * Returns 0, or `UV_EINVAL` if a function is NULL.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_replace_allocator>.
 */
UV_EXTERN int uv_replace_allocator(uv_malloc_func malloc_func,
                                   uv_realloc_func realloc_func,
                                   uv_calloc_func calloc_func,
                                   uv_free_func free_func);

/* Shutdown of the library: `uv_library_shutdown`, called by the program or at exit. */

/**
 * Ends the thread pool, after the work that it has started, and releases process-wide resources. It is
 * called automatically when the process exits; calling it again has no effect.
 *
 * Do not call it while a loop is running.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_library_shutdown>.
 */
UV_EXTERN void uv_library_shutdown(void);

/* The functions of `uv_loop_t`. */

/**
 * Initialises a loop. The field `data` is left as it is.
 *
 * Returns 0 or an error code, such as `UV_EMFILE`.
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_init>.
 */
UV_EXTERN int uv_loop_init(uv_loop_t *loop);

/**
 * Releases what the loop holds, after which its memory is the caller's again.
 *
 * Returns 0, or `UV_EBUSY` while there are open handles or requests under way.
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_close>.
 */
UV_EXTERN int uv_loop_close(uv_loop_t *loop);

/**
 * The default loop, initialised when it is first asked for; NULL when that fails. Closing it is
 * allowed, it is then made anew the next time.
 *
 * Not thread-safe. See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_default_loop>.
 */
UV_EXTERN uv_loop_t *uv_default_loop(void);

/**
 * Allocates and initialises a loop; NULL when either fails. Deprecated: allocate it yourself and
 * call `uv_loop_init()`.
 */
UV_EXTERN uv_loop_t *uv_loop_new(void);

/**
 * Closes a loop and, unless it is the default loop, frees it. A loop that is busy is left as it
 * is. Deprecated: call `uv_loop_close()`.
 */
UV_EXTERN void uv_loop_delete(uv_loop_t *loop);

/** The size of a `uv_loop_t` in bytes, for bindings that do not know its layout. */
UV_EXTERN size_t uv_loop_size(void);

/**
 * Whether the loop has active and referenced handles, requests under way, or closing handles.
 *
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_alive>.
 */
UV_EXTERN int uv_loop_alive(const uv_loop_t *loop);

/**
 * Sets an option of the loop, which some take an argument for; see `uv_loop_option`. Normally
 * called before the loop first runs.
 *
 * Returns 0; `UV_EINVAL` for a signal that cannot be blocked; `UV_ENOSYS` for an option that
 * does not exist.
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_configure>.
 */
UV_EXTERN int uv_loop_configure(uv_loop_t *loop, uv_loop_option option, ...);

/**
 * To be called in the child of a fork, before anything else, for each loop of the parent that the
 * child goes on to use.
 *
 * Returns 0 or an error code. `uv_backend_fd()` is another afterwards.
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_fork>.
 */
UV_EXTERN int uv_loop_fork(uv_loop_t *loop);

/**
 * Runs the loop: until nothing is left to do (`UV_RUN_DEFAULT`), one tick that waits for events
 * unless callbacks are pending (`UV_RUN_ONCE`), or one that does not wait (`UV_RUN_NOWAIT`).
 *
 * Returns non-zero when handles or requests are still active: after `uv_stop()` in default mode,
 * and in the other modes when there is a reason to run again. Not to be called from a callback.
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_run>.
 */
UV_EXTERN int uv_run(uv_loop_t *loop, uv_run_mode mode);

/**
 * Makes `uv_run()` return at the end of the current tick, or at once the next time that it is
 * called. The loop does not wait for events before that.
 *
 * Loop thread only. See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_stop>.
 */
UV_EXTERN void uv_stop(uv_loop_t *loop);

/**
 * The descriptor that becomes readable when the loop has events: the epoll instance. An embedder
 * waits for it, at most as long as `uv_backend_timeout()` says, and then runs the loop with
 * `UV_RUN_NOWAIT`.
 *
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_backend_fd>.
 */
UV_EXTERN int uv_backend_fd(const uv_loop_t *loop);

/**
 * How long the loop may wait for events, in milliseconds; -1 is without limit, 0 not at all.
 *
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_backend_timeout>.
 */
UV_EXTERN int uv_backend_timeout(const uv_loop_t *loop);

/**
 * The loop's time in milliseconds from an unspecified start, as of the last update: at the start
 * of a tick's timers and after each wait. It never goes back.
 *
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_now>.
 */
UV_EXTERN uint64_t uv_now(const uv_loop_t *loop);

/**
 * Brings the loop's time up to date, for callbacks that take long.
 *
 * See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_update_time>.
 */
UV_EXTERN void uv_update_time(uv_loop_t *loop);

/**
 * Calls `walk_cb` with `arg` for every handle of the loop that is not closed. The callback may
 * close handles; handles that it initialises are not visited.
 *
 * Loop thread only. See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_walk>.
 */
UV_EXTERN void uv_walk(uv_loop_t *loop, uv_walk_cb walk_cb, void *arg);

/** The field `data` of the loop. */
UV_EXTERN void *uv_loop_get_data(const uv_loop_t *loop);

/** Sets the field `data` of the loop. */
UV_EXTERN void uv_loop_set_data(uv_loop_t *loop, void *data);

/**
 * Fills in the loop's metrics. Returns 0.
 *
 * Loop thread only. See <https://docs.libuv.org/en/v1.x/metrics.html#c.uv_metrics_info>.
 */
UV_EXTERN int uv_metrics_info(uv_loop_t *loop, uv_metrics_t *metrics);

/**
 * How long the loop has waited for events, in nanoseconds; 0 unless it was configured with
 * `UV_METRICS_IDLE_TIME`.
 *
 * Any thread. See <https://docs.libuv.org/en/v1.x/metrics.html#c.uv_metrics_idle_time>.
 */
UV_EXTERN uint64_t uv_metrics_idle_time(uv_loop_t *loop);

/* The functions that take a handle of any type. */

/**
 * Closes a handle: what it does ends, its requests are cancelled, and `close_cb` (which may be
 * NULL) is called in a later phase. The memory is the caller's again when the callback begins.
 *
 * Loop thread only. See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_close>.
 */
UV_EXTERN void uv_close(uv_handle_t *handle, uv_close_cb close_cb);

/**
 * Non-zero when `uv_close()` was called for the handle.
 *
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_is_closing>.
 */
UV_EXTERN int uv_is_closing(const uv_handle_t *handle);

/**
 * Non-zero when the handle is doing something: a timer that is started, a stream that reads or
 * listens, an async handle always.
 *
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_is_active>.
 */
UV_EXTERN int uv_is_active(const uv_handle_t *handle);

/**
 * Lets the handle keep the loop alive while it is active, as it does from the start. Doing it
 * twice is the same as once.
 *
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_ref>.
 */
UV_EXTERN void uv_ref(uv_handle_t *handle);

/**
 * Lets the loop end although the handle is active.
 *
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_unref>.
 */
UV_EXTERN void uv_unref(uv_handle_t *handle);

/**
 * Non-zero when the handle keeps the loop alive while it is active.
 *
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_has_ref>.
 */
UV_EXTERN int uv_has_ref(const uv_handle_t *handle);

/**
 * The size in bytes of the handles of a type; `(size_t) -1` when there is no such type.
 *
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_handle_size>.
 */
UV_EXTERN size_t uv_handle_size(uv_handle_type type);

/** The handle's field `type`. */
UV_EXTERN uv_handle_type uv_handle_get_type(const uv_handle_t *handle);

/**
 * The name of a handle type, as in the name of its struct; NULL when there is no such type.
 *
 * The string is static. See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_handle_type_name>.
 */
UV_EXTERN const char *uv_handle_type_name(uv_handle_type type);

/** The handle's field `data`. */
UV_EXTERN void *uv_handle_get_data(const uv_handle_t *handle);

/** Sets the handle's field `data`. */
UV_EXTERN void uv_handle_set_data(uv_handle_t *handle, void *data);

/** The handle's field `loop`. */
UV_EXTERN uv_loop_t *uv_handle_get_loop(const uv_handle_t *handle);

/**
 * The descriptor that the handle uses, for TCP, pipe, TTY, UDP and poll handles. It still belongs
 * to the handle; it must not be closed or changed in ways that the handle does not expect.
 *
 * Returns 0; `UV_EINVAL` for other handles; `UV_EBADF` when there is none or the handle is closed.
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_fileno>.
 */
UV_EXTERN int uv_fileno(const uv_handle_t *handle, uv_os_fd_t *fd);

/**
 * Gets (`*value` is 0) or sets the size of the socket's send buffer in bytes. Linux sets twice the
 * size that is asked for and answers with the doubled one.
 *
 * Returns 0 or an error code; `UV_EINVAL` when `value` is NULL or the handle has no socket.
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_send_buffer_size>.
 */
UV_EXTERN int uv_send_buffer_size(uv_handle_t *handle, int *value);

/**
 * Gets (`*value` is 0) or sets the size of the socket's receive buffer, as
 * `uv_send_buffer_size()` does.
 *
 * See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_recv_buffer_size>.
 */
UV_EXTERN int uv_recv_buffer_size(uv_handle_t *handle, int *value);

/**
 * Prints a line for each handle of the loop to `stream`: whether it is active (`A`), referenced
 * (`R`) and internal (`I`), its type and its address. NULL is the default loop.
 *
 * For debugging only. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_print_all_handles>.
 */
UV_EXTERN void uv_print_all_handles(uv_loop_t *loop, FILE *stream);

/** As `uv_print_all_handles()`, for the active handles only. */
UV_EXTERN void uv_print_active_handles(uv_loop_t *loop, FILE *stream);

/* Async handles: waking a loop from another thread or from a signal handler. */

/**
 * Initialises an async handle, which is active at once. `async_cb` may be NULL: sending then
 * only wakes the loop.
 *
 * Returns 0 or an error code. Loop thread only.
 * See <https://docs.libuv.org/en/v1.x/async.html#c.uv_async_init>.
 */
UV_EXTERN int uv_async_init(uv_loop_t *loop, uv_async_t *async, uv_async_cb async_cb);

/**
 * Wakes the loop, which then calls the handle's callback on its own thread. Sends before that are
 * coalesced: the callback is called at least once after the last send.
 *
 * Any thread, and signal handlers: it does not block, allocate or change errno. A full memory
 * fence, as is the beginning of the callback: the callback sees everything that the sender wrote
 * before. Returns 0.
 * See <https://docs.libuv.org/en/v1.x/async.html#c.uv_async_send>.
 */
UV_EXTERN int uv_async_send(uv_async_t *async);

/* File system events: `uv_fs_event_t`, by inotify. */

/**
 * Initialises a file system event handle. Cannot fail; returns 0.
 *
 * Loop thread only, as all these functions.
 * See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_init>.
 */
UV_EXTERN int uv_fs_event_init(uv_loop_t *loop, uv_fs_event_t *handle);

/**
 * Calls `cb` when the file or directory at `path` changes, or an entry of the directory does.
 *
 * The callback gets `UV_CHANGE` for content and attributes, `UV_RENAME` for what is created,
 * deleted or renamed, or both; and the name of the directory's entry, or the last part of `path`
 * when the event is about that itself. A handle stays active when the file is gone. `flags` are
 * those of `enum uv_fs_event_flags`, none of which Linux has.
 *
 * Returns 0; `UV_EINVAL` when the handle is active or closing; any error of inotify_init(2) and
 * inotify_add_watch(2), such as `UV_ENOENT`, or `UV_ENOSPC` when the user has too many watches.
 * See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_start>.
 */
UV_EXTERN int uv_fs_event_start(uv_fs_event_t *handle,
                                uv_fs_event_cb cb,
                                const char *path,
                                unsigned int flags);

/**
 * Stops a file system event handle: its callback is not called any more. Stopping twice is
 * harmless. Returns 0.
 *
 * See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_stop>.
 */
UV_EXTERN int uv_fs_event_stop(uv_fs_event_t *handle);

/**
 * Copies the path that the handle watches, with a NUL, and sets `*size` to its length without. When
 * another handle of the loop watched the same file first, it is that one's path.
 *
 * Returns 0; `UV_EINVAL` when the handle is not active, which sets `*size` to 0, or when `buffer` or
 * `size` is NULL or `*size` is 0; `UV_ENOBUFS` when `*size` bytes are too few, and sets it to what is needed.
 * See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_getpath>.
 */
UV_EXTERN int uv_fs_event_getpath(uv_fs_event_t *handle, char *buffer, size_t *size);

/* Polling a path: `uv_fs_poll_t`, which calls stat(2) at an interval. */

/**
 * Initialises a handle that polls a path. Cannot fail; returns 0.
 *
 * Loop thread only, as all these functions.
 * See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_init>.
 */
UV_EXTERN int uv_fs_poll_init(uv_loop_t *loop, uv_fs_poll_t *handle);

/**
 * Calls stat(2) for `path` every `interval` milliseconds (0 counts as 1), the first time at once,
 * and `poll_cb` when the outcome differs from that of the time before.
 *
 * The callback gets a status of 0, what was known before and what is now. When stat(2) fails, it
 * gets the error, what was known before and zeroes; once, until the error is another or gone. What
 * was known is zeroes while stat(2) has not succeeded. The time of access alone is no difference.
 *
 * Returns 0, also when the handle is active, which changes nothing then; `UV_EINVAL` when it is
 * closing or `path` is NULL; `UV_ENOMEM`.
 * See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_start>.
 */
UV_EXTERN int uv_fs_poll_start(uv_fs_poll_t *handle,
                               uv_fs_poll_cb poll_cb,
                               const char *path,
                               unsigned int interval);

/**
 * Stops polling: the callback is not called any more. Stopping twice is harmless. Returns 0.
 *
 * See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_stop>.
 */
UV_EXTERN int uv_fs_poll_stop(uv_fs_poll_t *handle);

/**
 * Copies the path that the handle polls, with a NUL, and sets `*size` to its length without.
 *
 * Returns 0; `UV_EINVAL` when the handle is not active, which sets `*size` to 0, or when `buffer`
 * or `size` is NULL or `*size` is 0; `UV_ENOBUFS` when `*size` bytes are too few, and sets it to
 * what is needed.
 * See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_getpath>.
 */
UV_EXTERN int uv_fs_poll_getpath(uv_fs_poll_t *handle, char *buffer, size_t *size);

/* Idle, prepare and check handles: a callback in one phase of every tick. */

/**
 * Initialises an idle handle. Cannot fail; returns 0.
 *
 * Loop thread only, as all idle functions.
 * See <https://docs.libuv.org/en/v1.x/idle.html#c.uv_idle_init>.
 */
UV_EXTERN int uv_idle_init(uv_loop_t *loop, uv_idle_t *idle);

/**
 * Calls `cb` once per loop iteration, right before the prepare handles; while an idle handle is
 * active the loop does not wait for events. Starting an active handle does nothing.
 *
 * Returns 0, or `UV_EINVAL` when `cb` is NULL.
 * See <https://docs.libuv.org/en/v1.x/idle.html#c.uv_idle_start>.
 */
UV_EXTERN int uv_idle_start(uv_idle_t *idle, uv_idle_cb cb);

/**
 * Stops an idle handle; stopping twice is harmless. Returns 0.
 *
 * See <https://docs.libuv.org/en/v1.x/idle.html#c.uv_idle_stop>.
 */
UV_EXTERN int uv_idle_stop(uv_idle_t *idle);

/**
 * Initialises a prepare handle. Cannot fail; returns 0.
 *
 * Loop thread only, as all prepare functions.
 * See <https://docs.libuv.org/en/v1.x/prepare.html#c.uv_prepare_init>.
 */
UV_EXTERN int uv_prepare_init(uv_loop_t *loop, uv_prepare_t *prepare);

/**
 * Calls `cb` once per loop iteration, right before the loop waits for events. Starting an active
 * handle does nothing.
 *
 * Returns 0, or `UV_EINVAL` when `cb` is NULL.
 * See <https://docs.libuv.org/en/v1.x/prepare.html#c.uv_prepare_start>.
 */
UV_EXTERN int uv_prepare_start(uv_prepare_t *prepare, uv_prepare_cb cb);

/**
 * Stops a prepare handle; stopping twice is harmless. Returns 0.
 *
 * See <https://docs.libuv.org/en/v1.x/prepare.html#c.uv_prepare_stop>.
 */
UV_EXTERN int uv_prepare_stop(uv_prepare_t *prepare);

/**
 * Initialises a check handle. Cannot fail; returns 0.
 *
 * Loop thread only, as all check functions.
 * See <https://docs.libuv.org/en/v1.x/check.html#c.uv_check_init>.
 */
UV_EXTERN int uv_check_init(uv_loop_t *loop, uv_check_t *check);

/**
 * Calls `cb` once per loop iteration, right after the loop waited for events. Starting an active
 * handle does nothing.
 *
 * Returns 0, or `UV_EINVAL` when `cb` is NULL.
 * See <https://docs.libuv.org/en/v1.x/check.html#c.uv_check_start>.
 */
UV_EXTERN int uv_check_start(uv_check_t *check, uv_check_cb cb);

/**
 * Stops a check handle; stopping twice is harmless. Returns 0.
 *
 * See <https://docs.libuv.org/en/v1.x/check.html#c.uv_check_stop>.
 */
UV_EXTERN int uv_check_stop(uv_check_t *check);

/* Poll handles: readiness of a descriptor that belongs to the user or to another library. */

/**
 * Initialises a poll handle for a descriptor, which is made non-blocking and stays the caller's:
 * the handle does not close it. Anything that `epoll(7)` can wait for will do.
 *
 * Returns 0; `UV_EEXIST` when a handle of the loop watches the descriptor; `UV_EPERM` when it can
 * not be waited for, as is the case for regular files; `UV_EBADF`. The handle is not initialised
 * when this fails. Loop thread only, as all poll functions.
 * See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_init>.
 */
UV_EXTERN int uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int fd);

/**
 * As `uv_poll_init()`, from which it differs on Windows only.
 *
 * See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_init_socket>.
 */
UV_EXTERN int uv_poll_init_socket(uv_loop_t *loop,
                                  uv_poll_t *handle,
                                  uv_os_sock_t socket);

/**
 * Calls `cb` in every tick in which the descriptor is ready for one of `events`, of
 * `enum uv_poll_event`. May be called again to change either; no events is the same as stopping.
 * What a tick has found out already about the descriptor is forgotten.
 *
 * When both ends of a connection are closed, all the events that were asked for are reported. On
 * an error of the descriptor the handle stops and the callback's status is `UV_EBADF`. The
 * descriptor must not be closed before the handle is stopped or closed.
 *
 * Returns 0; `UV_EEXIST` when another handle of the loop watches the descriptor; `UV_EINVAL` for
 * unknown events; `UV_EBADF` when the descriptor is closed.
 * See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_start>.
 */
UV_EXTERN int uv_poll_start(uv_poll_t *handle, int events, uv_poll_cb cb);

/**
 * Stops a poll handle; the callback is not called any more, and the descriptor may be closed.
 * Stopping twice is harmless. Returns 0.
 *
 * See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_stop>.
 */
UV_EXTERN int uv_poll_stop(uv_poll_t *handle);

/* Process handles: programs that run in child processes. */

/**
 * Initialises a process handle and runs a program in a child process. The options are not used
 * after the call.
 *
 * A program without a slash in its name is looked for in the `PATH` of the child's environment,
 * starting from the child's working directory if that has relative parts. The child begins with no
 * signal blocked or ignored. Descriptors that are not in `stdio` are inherited unless they are
 * close-on-exec, as all those of this library are. Descriptors and streams that are inherited
 * become blocking; `UV_NONBLOCK_PIPE` has an effect on Windows only. With `UV_PROCESS_SETUID` or `UV_PROCESS_SETGID` the child has no supplementary
 * groups.
 *
 * Returns 0, or the error that kept the program from running, such as `UV_ENOENT` or `UV_EACCES`;
 * `UV_EINVAL` for an unusable `stdio`. Also when this fails the handle is initialised and is to be
 * closed. Closing the handle of a child that runs does not end the child; who waits for it then is
 * the program's own affair. Loop thread only, as all process functions that take a handle.
 * See <https://docs.libuv.org/en/v1.x/process.html#c.uv_spawn>.
 */
UV_EXTERN int uv_spawn(uv_loop_t *loop,
                       uv_process_t *handle,
                       const uv_process_options_t *options);

/**
 * Sends a signal to the child; with `signum` 0 only says whether there is one.
 *
 * Returns 0 or an error code: `UV_ESRCH` when the child has ended and its callback was made, or
 * could not be started; `UV_EINVAL` for a number that is no signal.
 * See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_kill>.
 */
UV_EXTERN int uv_process_kill(uv_process_t *process, int signum);

/**
 * The field `pid`: the child's process id, which stays the same when the child has ended; 0 when
 * it could not be started.
 *
 * See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_get_pid>.
 */
UV_EXTERN uv_pid_t uv_process_get_pid(const uv_process_t *process);

/* Signal handles. */

/**
 * Initialises a signal handle. Returns 0 or an error code.
 *
 * Loop thread only, as all signal functions; several loops may watch the same signal.
 * See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_init>.
 */
UV_EXTERN int uv_signal_init(uv_loop_t *loop, uv_signal_t *handle);

/**
 * Calls `signal_cb` whenever the process receives the signal, instead of the signal's default
 * action, which comes back when the last handle for the signal stops.
 *
 * Returns 0, or `UV_EINVAL` for a number that is no signal or cannot be caught.
 * See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_start>.
 */
UV_EXTERN int uv_signal_start(uv_signal_t *handle, uv_signal_cb signal_cb, int signum);

/**
 * As `uv_signal_start()`, but the handle stops when the signal was received once.
 *
 * See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_start_oneshot>.
 */
UV_EXTERN int uv_signal_start_oneshot(uv_signal_t *handle,
                                      uv_signal_cb signal_cb,
                                      int signum);

/**
 * Stops a signal handle; stopping twice is harmless. Returns 0.
 *
 * See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_stop>.
 */
UV_EXTERN int uv_signal_stop(uv_signal_t *handle);

/* Passing descriptors over pipes. */

/**
 * How many handles have arrived over the pipe and wait for `uv_accept()`.
 *
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_pending_count>.
 */
UV_EXTERN int uv_pipe_pending_count(uv_pipe_t *handle);

/**
 * The type of handle that the next `uv_accept()` on the pipe needs; `UV_UNKNOWN_HANDLE` when no
 * handle is waiting or no type suits it.
 *
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_pending_type>.
 */
UV_EXTERN uv_handle_type uv_pipe_pending_type(uv_pipe_t *handle);

/* Listening, and accepting connections. */

/**
 * Listens for connections; `cb` is called when one is there to be accepted. `backlog` is how many
 * the kernel may queue.
 *
 * Returns 0 or an error code, such as a `UV_EADDRINUSE` of the bind call before.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_listen>.
 */
UV_EXTERN int uv_listen(uv_stream_t *stream, int backlog, uv_connection_cb cb);

/**
 * Makes `client`, which is initialised and not connected, the connection that the connection
 * callback told of. One that is not accepted stays, and no others are reported before it is.
 * From a pipe for passing handles it takes the next handle that has arrived; `client` may be a
 * UDP handle then.
 *
 * Returns 0; `UV_EAGAIN` when there is none; `UV_EINVAL` when `client` is of another type;
 * `UV_EBUSY` when it has a descriptor already, and what it should have taken is closed then.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_accept>.
 */
UV_EXTERN int uv_accept(uv_stream_t *server, uv_stream_t *client);

/* Streams: what TCP sockets, pipes and terminals share. */

/**
 * Non-zero when the stream can be read from.
 *
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_is_readable>.
 */
UV_EXTERN int uv_is_readable(const uv_stream_t *handle);

/**
 * Non-zero when the stream can be written to.
 *
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_is_writable>.
 */
UV_EXTERN int uv_is_writable(const uv_stream_t *handle);

/**
 * Makes the stream's descriptor blocking (or not): writes then complete before `uv_write()`
 * returns, though their callbacks still come later.
 *
 * Returns 0 or an error code.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_stream_set_blocking>.
 */
UV_EXTERN int uv_stream_set_blocking(uv_stream_t *handle, int blocking);

/**
 * The field `write_queue_size`: how many bytes wait to be written.
 *
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_stream_get_write_queue_size>.
 */
UV_EXTERN size_t uv_stream_get_write_queue_size(const uv_stream_t *stream);

/* Pipes: local sockets, and whatever else is opened as a pipe. */

/**
 * Initialises a pipe handle. `ipc` is non-zero for a connected pipe that handles will be passed
 * over. Returns 0.
 *
 * Loop thread only, as all functions on pipe handles.
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_init>.
 */
UV_EXTERN int uv_pipe_init(uv_loop_t *loop, uv_pipe_t *handle, int ipc);

/**
 * Makes the handle use an existing descriptor, such as an end of a pipe(2), a FIFO or a local
 * socket. It becomes non-blocking and the handle's: it is closed with it.
 *
 * Returns 0; `UV_EEXIST` when the loop watches the descriptor already; `UV_EBUSY` when the handle
 * has another; `UV_EBADF` when it is not open.
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_open>.
 */
UV_EXTERN int uv_pipe_open(uv_pipe_t *handle, uv_file file);

/**
 * Binds the pipe to a path, which is cut when it is longer than an address can hold. The file is
 * removed when the handle is closed.
 *
 * Returns what `uv_pipe_bind2()` does.
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_bind>.
 */
UV_EXTERN int uv_pipe_bind(uv_pipe_t *handle, const char *name);

/**
 * Binds the pipe to a name of `namelen` bytes. One that begins with a NUL is abstract: it lives in
 * no directory. When it is empty the kernel chooses an abstract name. `flags` are 0 or
 * `UV_PIPE_NO_TRUNCATE`.
 *
 * Returns 0; `UV_EINVAL` for other flags, a path that contains a NUL, a name that is too long and
 * must not be cut, or when the handle is bound or open already; `UV_EADDRINUSE` when the name
 * exists; `UV_EACCES` when it cannot be created; or another error code.
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_bind2>.
 */
UV_EXTERN int uv_pipe_bind2(uv_pipe_t *handle,
                            const char *name,
                            size_t namelen,
                            unsigned int flags);

/**
 * Connects to the path, which is cut when it is longer than an address can hold. Every error is
 * reported by `cb`.
 *
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_connect>.
 */
UV_EXTERN void uv_pipe_connect(uv_connect_t *req,
                               uv_pipe_t *handle,
                               const char *name,
                               uv_connect_cb cb);

/**
 * Connects to a name of `namelen` bytes, which is abstract if it begins with a NUL. `flags` are 0
 * or `UV_PIPE_NO_TRUNCATE`. `cb` is called when that is done or has failed.
 *
 * Returns 0; without a callback `UV_EINVAL` for other flags, an empty name, a path that contains
 * a NUL or a name that is too long and must not be cut; `UV_EALREADY` when a connection is being
 * made.
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_connect2>.
 */
UV_EXTERN int uv_pipe_connect2(uv_connect_t *req,
                               uv_pipe_t *handle,
                               const char *name,
                               size_t namelen,
                               unsigned int flags,
                               uv_connect_cb cb);

/**
 * The name that the pipe is bound to. `size` says how much room `buffer` has, and then how long
 * the name is. A path is followed by a NUL, an abstract name begins with one, and a pipe without
 * a name has one of length 0.
 *
 * Returns 0; `UV_ENOBUFS` when there is not enough room, `*size` says then what is needed;
 * `UV_EBADF` when the handle is not open; `UV_ENOTSOCK` when it is no socket.
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_getsockname>.
 */
UV_EXTERN int uv_pipe_getsockname(const uv_pipe_t *handle, char *buffer, size_t *size);

/**
 * The name of the peer, as `uv_pipe_getsockname()` gives the pipe's own.
 *
 * Returns 0, or `UV_ENOTCONN` when there is no connection, among others.
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_getpeername>.
 */
UV_EXTERN int uv_pipe_getpeername(const uv_pipe_t *handle, char *buffer, size_t *size);

/**
 * Has an effect on Windows only.
 *
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_pending_instances>.
 */
UV_EXTERN void uv_pipe_pending_instances(uv_pipe_t *_handle, int _count);

/**
 * Lets every user read (`UV_READABLE`), write (`UV_WRITABLE`), or both, the file that the pipe is
 * bound to.
 *
 * Returns 0; `UV_EINVAL` for another mode; `UV_EBADF` when the handle is NULL or not open;
 * `UV_ENOENT` when it has no file.
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_chmod>.
 */
UV_EXTERN int uv_pipe_chmod(uv_pipe_t *handle, int flags);

/* Reading. */

/**
 * Reads from a stream: for each piece of data `alloc_cb` provides memory and `read_cb` gets it.
 *
 * Returns 0; `UV_EINVAL` when a callback is NULL or the stream is closing; `UV_EALREADY` when it
 * reads already; `UV_ENOTCONN` when it is not connected. Loop thread only.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_read_start>.
 */
UV_EXTERN int uv_read_start(uv_stream_t *stream,
                            uv_alloc_cb alloc_cb,
                            uv_read_cb read_cb);

/**
 * Stops reading; `read_cb` is not called any more, and what arrives stays with the kernel until
 * reading starts again. Stopping twice is harmless. Returns 0.
 *
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_read_stop>.
 */
UV_EXTERN int uv_read_stop(uv_stream_t *stream);

/* Shutting down the writing side of a stream. */

/**
 * Shuts the writing side of the stream down once everything that was queued is written; reading
 * goes on.
 *
 * Returns 0, or `UV_ENOTCONN` when the stream is not writable (any more). Loop thread only.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_shutdown>.
 */
UV_EXTERN int uv_shutdown(uv_shutdown_t *req, uv_stream_t *handle, uv_shutdown_cb cb);

/* TCP handles. */

/**
 * Initialises a TCP handle; it has no socket yet. Returns 0.
 *
 * Loop thread only, as all TCP functions.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_init>.
 */
UV_EXTERN int uv_tcp_init(uv_loop_t *loop, uv_tcp_t *handle);

/**
 * Initialises a TCP handle and makes its socket, when `flags`, of which only the lower eight bits
 * may be set, is `AF_INET` or `AF_INET6`.
 *
 * Returns 0, `UV_EINVAL` for other flags, or an error of socket(2); the handle is not
 * initialised then.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_init_ex>.
 */
UV_EXTERN int uv_tcp_init_ex(uv_loop_t *loop, uv_tcp_t *handle, unsigned int flags);

/**
 * Makes the handle use an existing socket, which becomes non-blocking and the handle's: it is
 * closed with it.
 *
 * Returns 0; `UV_EEXIST` when the loop watches the descriptor already; `UV_EBUSY` when the handle
 * has another; or an error of making it non-blocking.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_open>.
 */
UV_EXTERN int uv_tcp_open(uv_tcp_t *handle, uv_os_sock_t sock);

/**
 * Binds the handle to an address. `flags` are of `enum uv_tcp_flags`. That the address is in use
 * is reported by `uv_listen()` or `uv_tcp_connect()`.
 *
 * Returns 0, `UV_EINVAL` for an address that is not IPv4 or IPv6, or another error code.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_bind>.
 */
UV_EXTERN int uv_tcp_bind(uv_tcp_t *handle,
                          const struct sockaddr *addr,
                          unsigned int flags);

/**
 * Connects to an address; `cb` is called when that is done or has failed.
 *
 * Returns 0; `UV_EALREADY` when a connection is being made; `UV_EINVAL` for an address that is
 * not IPv4 or IPv6; or another error code, without a callback.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_connect>.
 */
UV_EXTERN int uv_tcp_connect(uv_connect_t *req,
                             uv_tcp_t *handle,
                             const struct sockaddr *addr,
                             uv_connect_cb cb);

/**
 * The address that the handle is bound to. `namelen` says how much room `name` has, and then how
 * long the address is.
 *
 * Returns 0, a delayed error of `uv_tcp_bind()`, or `UV_EBADF` when there is no socket.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_getsockname>.
 */
UV_EXTERN int uv_tcp_getsockname(const uv_tcp_t *handle,
                                 struct sockaddr *name,
                                 int *namelen);

/**
 * The address of the peer, as `uv_tcp_getsockname()` gives the handle's own.
 *
 * Returns 0, or `UV_ENOTCONN` when there is no connection, among others.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_getpeername>.
 */
UV_EXTERN int uv_tcp_getpeername(const uv_tcp_t *handle,
                                 struct sockaddr *name,
                                 int *namelen);

/**
 * Switches Nagle's algorithm off (`enable` is not 0) or on, now or when the handle gets a socket.
 *
 * Returns 0 or an error code.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_nodelay>.
 */
UV_EXTERN int uv_tcp_nodelay(uv_tcp_t *handle, int enable);

/**
 * Switches keep-alive probes on or off: the first after `delay` seconds of silence, then one a
 * second, ten in all.
 *
 * Returns 0, or `UV_EINVAL` when `delay` is 0 and `enable` is not.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_keepalive>.
 */
UV_EXTERN int uv_tcp_keepalive(uv_tcp_t *handle, int enable, unsigned int delay);

/**
 * As `uv_tcp_keepalive()`, with all values: `idle` seconds until the first probe, `intvl` seconds
 * between probes, `cnt` probes. They are ignored when `on` is 0.
 *
 * Returns 0, or `UV_EINVAL` when one of them is 0.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_keepalive_ex>.
 */
UV_EXTERN int uv_tcp_keepalive_ex(uv_tcp_t *handle,
                                  int on,
                                  unsigned int idle,
                                  unsigned int intvl,
                                  unsigned int cnt);

/**
 * Has an effect on Windows only. Returns 0.
 *
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_simultaneous_accepts>.
 */
UV_EXTERN int uv_tcp_simultaneous_accepts(uv_tcp_t *_handle, int _enable);

/**
 * Closes the handle and resets its connection: the peer gets a RST instead of the rest of the
 * data.
 *
 * Returns 0, or an error code (`UV_EINVAL` after `uv_shutdown()`), the handle is not closed then.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_close_reset>.
 */
UV_EXTERN int uv_tcp_close_reset(uv_tcp_t *handle, uv_close_cb close_cb);

/**
 * Makes a pair of connected local sockets. `flags0` and `flags1` are 0 or `UV_NONBLOCK_PIPE`, for
 * the socket of that index. Both are close-on-exec.
 *
 * Returns 0 or an error code. Any thread.
 * See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_socketpair>.
 */
UV_EXTERN int uv_socketpair(int type,
                            int protocol,
                            uv_os_sock_t *socket_vector,
                            int flags0,
                            int flags1);

/* Terminals. */

/**
 * Initialises a terminal handle for a descriptor, usually 0, 1 or 2, which may also be a pipe or
 * a socket. The handle opens the terminal anew, so that it can be non-blocking here while it is
 * blocking for other processes; where that fails, writes block. The last argument is ignored.
 *
 * Returns 0, or `UV_EINVAL` for a file and for what is not open.
 * See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_init>.
 */
UV_EXTERN int uv_tty_init(uv_loop_t *loop, uv_tty_t *handle, uv_file fd, int _readable);

/**
 * Sets the mode of the terminal, without waiting for output.
 *
 * Returns 0, `UV_EINVAL` when there is no such mode, or an error of tcsetattr(3).
 * See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_set_mode>.
 */
UV_EXTERN int uv_tty_set_mode(uv_tty_t *handle, uv_tty_mode_t mode);

/**
 * Gives the first terminal whose mode was set the attributes that it had. For the end of the
 * program. Async-signal-safe; keeps errno.
 *
 * Returns 0, `UV_EBUSY` when it interrupts `uv_tty_set_mode()`, or an error of tcsetattr(3).
 * See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_reset_mode>.
 */
UV_EXTERN int uv_tty_reset_mode(void);

/**
 * The size of the terminal's window in columns and rows.
 *
 * Returns 0 or an error code.
 * See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_get_winsize>.
 */
UV_EXTERN int uv_tty_get_winsize(uv_tty_t *handle, int *width, int *height);

/**
 * Has an effect on Windows only.
 *
 * See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_set_vterm_state>.
 */
UV_EXTERN void uv_tty_set_vterm_state(uv_tty_vtermstate_t _state);

/**
 * Returns `UV_ENOTSUP`, except on Windows.
 *
 * See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_get_vterm_state>.
 */
UV_EXTERN int uv_tty_get_vterm_state(uv_tty_vtermstate_t *_state);

/* Writing to streams. */

/**
 * Writes the buffers to the stream, in order and after what was written before. The array may be
 * reused at once; the memory that it points to must stay as it is until `cb`, which may be NULL,
 * is called.
 *
 * Returns 0; `UV_EINVAL` for no buffers or more than 2 GiB less a page; `UV_EBADF` when there is
 * no connection; `UV_EPIPE` when the stream is not writable; `UV_ENOMEM`. Loop thread only.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_write>.
 */
UV_EXTERN int uv_write(uv_write_t *req,
                       uv_stream_t *handle,
                       const uv_buf_t *bufs,
                       unsigned int nbufs,
                       uv_write_cb cb);

/**
 * As `uv_write()`, and sends `send_handle` along when it is not NULL.
 *
 * Returns what `uv_write()` does, or `UV_EINVAL` when the stream cannot carry handles.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_write2>.
 */
UV_EXTERN int uv_write2(uv_write_t *req,
                        uv_stream_t *handle,
                        const uv_buf_t *bufs,
                        unsigned int nbufs,
                        uv_stream_t *send_handle,
                        uv_write_cb cb);

/**
 * Writes what can be written at once.
 *
 * Returns how many bytes were written, which may be fewer than there are; `UV_EAGAIN` when
 * nothing can be written now; or another error code.
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_try_write>.
 */
UV_EXTERN int uv_try_write(uv_stream_t *handle, const uv_buf_t *bufs, unsigned int nbufs);

/**
 * As `uv_try_write()`, and sends `send_handle` along when it is not NULL.
 *
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_try_write2>.
 */
UV_EXTERN int uv_try_write2(uv_stream_t *handle,
                            const uv_buf_t *bufs,
                            unsigned int nbufs,
                            uv_stream_t *send_handle);

/**
 * How many bytes of the request were written. Meaningful in its write callback only.
 *
 * See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_write_nwritten>.
 */
UV_EXTERN size_t uv_write_nwritten(const uv_write_t *req);

/* Timers. */

/**
 * Initialises a timer. Cannot fail; returns 0.
 *
 * `loop` and `handle` must not be NULL. Loop thread only, as all timer functions.
 * See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_init>.
 */
UV_EXTERN int uv_timer_init(uv_loop_t *loop, uv_timer_t *handle);

/**
 * Starts a timer, or starts it anew if it is active: the callback runs `timeout` milliseconds
 * after the loop's current time (`uv_now()`), and then every `repeat` milliseconds unless
 * `repeat` is 0.
 *
 * Returns 0, or `UV_EINVAL` when `cb` is NULL or the handle is closing.
 * See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_start>.
 */
UV_EXTERN int uv_timer_start(uv_timer_t *handle,
                             uv_timer_cb cb,
                             uint64_t timeout,
                             uint64_t repeat);

/**
 * Stops a timer: its callback is not called any more. Stopping twice is harmless. Returns 0.
 *
 * See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_stop>.
 */
UV_EXTERN int uv_timer_stop(uv_timer_t *handle);

/**
 * Stops a timer and, if it repeats, starts it again with its repeat value as the timeout.
 *
 * Returns 0, or `UV_EINVAL` when the timer was never started.
 * See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_again>.
 */
UV_EXTERN int uv_timer_again(uv_timer_t *handle);

/**
 * Sets the repeat interval in milliseconds; 0 makes the timer run once. It is used from the next
 * time the timer is due.
 *
 * See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_set_repeat>.
 */
UV_EXTERN void uv_timer_set_repeat(uv_timer_t *handle, uint64_t repeat);

/**
 * The repeat interval in milliseconds.
 *
 * See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_get_repeat>.
 */
UV_EXTERN uint64_t uv_timer_get_repeat(const uv_timer_t *handle);

/**
 * How many milliseconds from the loop's current time the timer is due; 0 when it is overdue.
 *
 * See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_get_due_in>.
 */
UV_EXTERN uint64_t uv_timer_get_due_in(const uv_timer_t *handle);

/* UDP handles. */

/**
 * Initialises a UDP handle; it gets a socket when it needs one. Returns 0.
 *
 * Loop thread only, as all UDP functions.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_init>.
 */
UV_EXTERN int uv_udp_init(uv_loop_t *loop, uv_udp_t *handle);

/**
 * Initialises a UDP handle. The lower eight bits of `flags` are `AF_INET` or `AF_INET6` to make a
 * socket at once, or `AF_UNSPEC`; `UV_UDP_RECVMMSG` may be added.
 *
 * Returns 0, `UV_EINVAL` for other flags, or an error of socket(2); the handle is not
 * initialised then.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_init_ex>.
 */
UV_EXTERN int uv_udp_init_ex(uv_loop_t *loop, uv_udp_t *handle, unsigned int flags);

/**
 * Makes the handle use an existing datagram socket, which becomes non-blocking and the handle's: it
 * is closed with it. Its option `SO_REUSEADDR` is set.
 *
 * Returns what `uv_udp_open_ex()` does.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_open>.
 */
UV_EXTERN int uv_udp_open(uv_udp_t *handle, uv_os_sock_t sock);

/**
 * As `uv_udp_open()`, with the socket options that `flags` name: `UV_UDP_REUSEADDR`,
 * `UV_UDP_REUSEPORT` or neither.
 *
 * Returns 0; `UV_EINVAL` for other flags; `UV_EBUSY` when the handle has a socket; `UV_EEXIST`
 * when the loop watches the descriptor already; or an error of setting an option.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_open_ex>.
 */
UV_EXTERN int uv_udp_open_ex(uv_udp_t *handle, uv_os_sock_t sock, unsigned int flags);

/**
 * Binds the handle to an address. `flags` are `UV_UDP_IPV6ONLY`, `UV_UDP_REUSEADDR`,
 * `UV_UDP_REUSEPORT` and `UV_UDP_LINUX_RECVERR`, in any combination.
 *
 * Returns 0; `UV_EINVAL` for other flags, for an address that is not IPv4 or IPv6 or not of the
 * socket's family, and when the handle is bound already; `UV_EADDRINUSE`, among others.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_bind>.
 */
UV_EXTERN int uv_udp_bind(uv_udp_t *handle,
                          const struct sockaddr *addr,
                          unsigned int flags);

/**
 * Sets the peer: datagrams go to it without naming it, and only those that come from it are
 * received. NULL takes the peer away.
 *
 * Returns 0; `UV_EISCONN` when there is a peer already, `UV_ENOTCONN` when there is none to take
 * away; `UV_EINVAL` for an address that is not IPv4 or IPv6; or an error of connect(2).
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_connect>.
 */
UV_EXTERN int uv_udp_connect(uv_udp_t *handle, const struct sockaddr *addr);

/**
 * The address of the peer. `namelen` says how much room `name` has, and then how long the address
 * is.
 *
 * Returns 0, `UV_ENOTCONN` when there is no peer, or `UV_EBADF` when there is no socket.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_getpeername>.
 */
UV_EXTERN int uv_udp_getpeername(const uv_udp_t *handle,
                                 struct sockaddr *name,
                                 int *namelen);

/**
 * The address that the handle is bound to, as `uv_udp_getpeername()` gives the peer's.
 *
 * Returns 0, or `UV_EBADF` when there is no socket.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_getsockname>.
 */
UV_EXTERN int uv_udp_getsockname(const uv_udp_t *handle,
                                 struct sockaddr *name,
                                 int *namelen);

/* Options of the socket: multicast, broadcast, time to live. */

/**
 * Joins (`UV_JOIN_GROUP`) or leaves (`UV_LEAVE_GROUP`) a multicast group on the interface with the
 * address `interface_addr`; NULL leaves the choice of the interface to the kernel. A handle
 * without a socket gets one, bound to any address of the group's family.
 *
 * Returns 0; `UV_EINVAL` when a string is no address, the two are not of the same family, or
 * `membership` is something else; or an error of setsockopt(2).
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_membership>.
 */
UV_EXTERN int uv_udp_set_membership(uv_udp_t *handle,
                                    const char *multicast_addr,
                                    const char *interface_addr,
                                    uv_membership membership);

/**
 * As `uv_udp_set_membership()`, for what one host sends to the group.
 *
 * Returns what `uv_udp_set_membership()` does.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_source_membership>.
 */
UV_EXTERN int uv_udp_set_source_membership(uv_udp_t *handle,
                                           const char *multicast_addr,
                                           const char *interface_addr,
                                           const char *source_addr,
                                           uv_membership membership);

/**
 * Whether (`on` is not 0) what the handle sends to a multicast group also reaches sockets on this
 * host.
 *
 * Returns 0; `UV_EINVAL` for numbers that do not fit into a byte; `UV_EBADF` when there is no
 * socket.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_multicast_loop>.
 */
UV_EXTERN int uv_udp_set_multicast_loop(uv_udp_t *handle, int on);

/**
 * How many routers (0 to 255) multicast datagrams may pass.
 *
 * Returns 0; `UV_EINVAL` for other numbers; `UV_EBADF` when there is no socket.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_multicast_ttl>.
 */
UV_EXTERN int uv_udp_set_multicast_ttl(uv_udp_t *handle, int ttl);

/**
 * The interface, by its address, that multicast datagrams are sent on; NULL leaves the choice to
 * the kernel.
 *
 * Returns 0; `UV_EINVAL` when the string is no address; `UV_EBADF` when there is no socket; or
 * another error of setsockopt(2).
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_multicast_interface>.
 */
UV_EXTERN int uv_udp_set_multicast_interface(uv_udp_t *handle,
                                             const char *interface_addr);

/**
 * Whether (`on` is not 0) the handle may send to broadcast addresses.
 *
 * Returns 0, or `UV_EBADF` when there is no socket.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_broadcast>.
 */
UV_EXTERN int uv_udp_set_broadcast(uv_udp_t *handle, int on);

/**
 * How many routers (1 to 255) unicast datagrams may pass.
 *
 * Returns 0; `UV_EINVAL` for other numbers; `UV_EBADF` when there is no socket.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_ttl>.
 */
UV_EXTERN int uv_udp_set_ttl(uv_udp_t *handle, int ttl);

/* Receiving. */

/**
 * Receives datagrams: for each one `alloc_cb` provides memory and `recv_cb` gets it. When there
 * are no more, `recv_cb` gets the memory back with `nread` 0 and `addr` NULL. A handle without a
 * socket gets one, bound to any IPv4 address and a port of the kernel's choice.
 *
 * With `UV_UDP_RECVMMSG` the memory is used in pieces of 64 KiB, one for each datagram (flag
 * `UV_UDP_MMSG_CHUNK`), and given back as a whole in a callback of its own (`UV_UDP_MMSG_FREE`);
 * less than one piece is `UV_EINVAL`.
 *
 * Returns 0; `UV_EINVAL` when a callback is NULL or the handle is closing; `UV_EALREADY` when it
 * receives already; or an error of making the socket. Loop thread only.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_recv_start>.
 */
UV_EXTERN int uv_udp_recv_start(uv_udp_t *handle,
                                uv_alloc_cb alloc_cb,
                                uv_udp_recv_cb recv_cb);

/**
 * Stops receiving; `recv_cb` is not called any more. What recvmmsg(2) has brought at that moment
 * is lost, and its memory is not given back. Stopping twice is harmless. Returns 0.
 *
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_recv_stop>.
 */
UV_EXTERN int uv_udp_recv_stop(uv_udp_t *handle);

/**
 * 1 when the handle was initialised with `UV_UDP_RECVMMSG`, 0 otherwise.
 *
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_using_recvmmsg>.
 */
UV_EXTERN int uv_udp_using_recvmmsg(const uv_udp_t *handle);

/* Sending. */

/**
 * Sends the buffers as one datagram to `addr`, or to the peer when that is NULL. The array and the
 * address may be reused at once; the memory that the buffers point to must stay as it is until
 * `send_cb`, which may be NULL, is called. A handle without a socket gets one, bound to any
 * address and a port of the kernel's choice.
 *
 * Returns 0; `UV_EINVAL` when there is no buffer or the address is of a family that cannot be sent
 * to; `UV_EISCONN` when there is an address and a peer, `UV_EDESTADDRREQ` when there is neither;
 * `UV_ENOMEM`; or an error of making the socket. Errors of sending come with the callback. Loop
 * thread only.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_send>.
 */
UV_EXTERN int uv_udp_send(uv_udp_send_t *req,
                          uv_udp_t *handle,
                          const uv_buf_t *bufs,
                          unsigned int nbufs,
                          const struct sockaddr *addr,
                          uv_udp_send_cb send_cb);

/**
 * Sends the buffers as one datagram if that is possible at once.
 *
 * Returns the size of the datagram; `UV_EAGAIN` when it cannot be sent now; or what
 * `uv_udp_send()` returns or reports otherwise.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_try_send>.
 */
UV_EXTERN int uv_udp_try_send(uv_udp_t *handle,
                              const uv_buf_t *bufs,
                              unsigned int nbufs,
                              const struct sockaddr *addr);

/**
 * Sends `count` datagrams, as many of them as is possible at once, with as few system calls as
 * possible. The handle must have a socket. `flags` is 0.
 *
 * Returns how many were sent, which is at least one; `UV_EINVAL` when there is none or for other
 * flags; `UV_EAGAIN` when nothing can be sent now; or another error if it concerns the first.
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_try_send2>.
 */
UV_EXTERN int uv_udp_try_send2(uv_udp_t *handle,
                               unsigned int count,
                               uv_buf_t **bufs,
                               unsigned int *nbufs,
                               struct sockaddr **addrs,
                               unsigned int flags);

/**
 * The field `send_queue_size`: how many bytes are in datagrams whose callback was not called yet.
 *
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_get_send_queue_size>.
 */
UV_EXTERN size_t uv_udp_get_send_queue_size(const uv_udp_t *handle);

/**
 * The field `send_queue_count`: how many datagrams' callbacks were not called yet.
 *
 * See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_get_send_queue_count>.
 */
UV_EXTERN size_t uv_udp_get_send_queue_count(const uv_udp_t *handle);

/* Requests: operations that end with a callback. */

/**
 * Returns the size in bytes of requests of this type; `(size_t) -1` if there is no such type.
 *
 * See <https://docs.libuv.org/en/v1.x/request.html#c.uv_req_size>.
 */
UV_EXTERN size_t uv_req_size(uv_req_type type);

/** Returns the request's field `type`. */
UV_EXTERN uv_req_type uv_req_get_type(const uv_req_t *req);

/**
 * Returns the name of a request type, as in the name of its struct; NULL if there is no such type.
 *
 * The string is static. See <https://docs.libuv.org/en/v1.x/request.html#c.uv_req_type_name>.
 */
UV_EXTERN const char *uv_req_type_name(uv_req_type type);

/** Returns the request's field `data`. */
UV_EXTERN void *uv_req_get_data(const uv_req_t *req);

/** Sets the request's field `data`. */
UV_EXTERN void uv_req_set_data(uv_req_t *req, void *data);

/**
 * Returns a `uv_buf_t` of these two values.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_buf_init>.
 */
UV_EXTERN uv_buf_t uv_buf_init(char *base, unsigned int len);

/* Cancelling requests of every type: `uv_cancel`. */

/**
 * Cancels a request that has not begun. Its callback is called later with `UV_ECANCELED`; until
 * then the library uses the memory. File, work, look-up, random and write requests can be
 * cancelled. A write that has begun reports how much was written (`uv_write_nwritten()`); cancelling
 * one that is complete has no effect.
 *
 * Returns 0; `UV_EBUSY` if the request has begun or is done; `UV_EINVAL` for other requests.
 * Loop thread only. See <https://docs.libuv.org/en/v1.x/request.html#c.uv_cancel>.
 */
UV_EXTERN int uv_cancel(uv_req_t *req);

/* Permissions, owners and times: access, chmod, chown, utime, and their forms for open files and
 * links. */

/**
 * Checks whether the process may access a file: access(2).
 *
 * `mode` is `F_OK`, or `R_OK`, `W_OK` and `X_OK` or-ed together. The result is 0 or an error.
 * `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_access>.
 */
UV_EXTERN int uv_fs_access(uv_loop_t *loop,
                           uv_fs_t *req,
                           const char *path,
                           int mode,
                           uv_fs_cb cb);

/**
 * Sets the permissions of a file: chmod(2).
 *
 * The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_chmod>.
 */
UV_EXTERN int uv_fs_chmod(uv_loop_t *loop,
                          uv_fs_t *req,
                          const char *path,
                          int mode,
                          uv_fs_cb cb);

/**
 * As `uv_fs_chmod()`, of an open file: fchmod(2).
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_fchmod>.
 */
UV_EXTERN int uv_fs_fchmod(uv_loop_t *loop,
                           uv_fs_t *req,
                           uv_file file,
                           int mode,
                           uv_fs_cb cb);

/**
 * Sets the owner and the group of a file: chown(2). An id of -1 does not change.
 *
 * The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_chown>.
 */
UV_EXTERN int uv_fs_chown(uv_loop_t *loop,
                          uv_fs_t *req,
                          const char *path,
                          uv_uid_t uid,
                          uv_gid_t gid,
                          uv_fs_cb cb);

/**
 * As `uv_fs_chown()`, of an open file: fchown(2).
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_fchown>.
 */
UV_EXTERN int uv_fs_fchown(uv_loop_t *loop,
                           uv_fs_t *req,
                           uv_file file,
                           uv_uid_t uid,
                           uv_gid_t gid,
                           uv_fs_cb cb);

/**
 * As `uv_fs_chown()`, of a symbolic link itself: lchown(2).
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_lchown>.
 */
UV_EXTERN int uv_fs_lchown(uv_loop_t *loop,
                           uv_fs_t *req,
                           const char *path,
                           uv_uid_t uid,
                           uv_gid_t gid,
                           uv_fs_cb cb);

/**
 * Sets the times of a file's last access and last change: utimensat(2).
 *
 * `atime` and `mtime` are seconds since 1970, with fractions; `UV_FS_UTIME_NOW` is the present,
 * `UV_FS_UTIME_OMIT` does not change a time. The result is 0 or an error, `UV_EINVAL` for a time
 * that no file can have. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_utime>.
 */
UV_EXTERN int uv_fs_utime(uv_loop_t *loop,
                          uv_fs_t *req,
                          const char *path,
                          double atime,
                          double mtime,
                          uv_fs_cb cb);

/**
 * As `uv_fs_utime()`, of an open file: futimens(3).
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_futime>.
 */
UV_EXTERN int uv_fs_futime(uv_loop_t *loop,
                           uv_fs_t *req,
                           uv_file file,
                           double atime,
                           double mtime,
                           uv_fs_cb cb);

/**
 * As `uv_fs_utime()`, of a symbolic link itself.
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_lutime>.
 */
UV_EXTERN int uv_fs_lutime(uv_loop_t *loop,
                           uv_fs_t *req,
                           const char *path,
                           double atime,
                           double mtime,
                           uv_fs_cb cb);

/* Copying inside the kernel: copyfile, sendfile. */

/**
 * Copies a file with its mode and, if that is allowed, its times and owner.
 *
 * `flags` are 0 or of `UV_FS_COPYFILE_EXCL` (fail with `UV_EEXIST` if `new_path` exists, instead
 * of overwriting it), `UV_FS_COPYFILE_FICLONE` (share the blocks if the file system can) and
 * `UV_FS_COPYFILE_FICLONE_FORCE` (share the blocks or fail); others are `UV_EINVAL`. The result
 * is 0 or an error, after which there is no `new_path`. Copying a file onto itself does nothing.
 * `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_copyfile>.
 */
UV_EXTERN int uv_fs_copyfile(uv_loop_t *loop,
                             uv_fs_t *req,
                             const char *path,
                             const char *new_path,
                             int flags,
                             uv_fs_cb cb);

/**
 * Copies up to `length` bytes, from `in_offset` in `in_fd` to the current position of `out_fd`,
 * inside the kernel if it supports that for these two files.
 *
 * The position of `in_fd` does not change, unless it has no offsets, like a pipe. The result is
 * the number of bytes, which may be less than `length`, or an error. `UV_EINVAL` when `length` is
 * more than 2 GiB less a page. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_sendfile>.
 */
UV_EXTERN int uv_fs_sendfile(uv_loop_t *loop,
                             uv_fs_t *req,
                             uv_file out_fd,
                             uv_file in_fd,
                             int64_t in_offset,
                             size_t length,
                             uv_fs_cb cb);

/* Directories: mkdir, rmdir, scandir and its iterator, opendir, readdir, closedir. */

/**
 * Makes a directory: mkdir(2). `mode` is reduced by the umask.
 *
 * The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_mkdir>.
 */
UV_EXTERN int uv_fs_mkdir(uv_loop_t *loop,
                          uv_fs_t *req,
                          const char *path,
                          int mode,
                          uv_fs_cb cb);

/**
 * Deletes an empty directory: rmdir(2).
 *
 * The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_rmdir>.
 */
UV_EXTERN int uv_fs_rmdir(uv_loop_t *loop, uv_fs_t *req, const char *path, uv_fs_cb cb);

/**
 * Reads a whole directory, in the order of the bytes of the names, without `.` and `..`.
 *
 * `flags` is not used. The result is the number of entries or an error; the entries come from
 * `uv_fs_scandir_next()`. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_scandir>.
 */
UV_EXTERN int uv_fs_scandir(uv_loop_t *loop,
                            uv_fs_t *req,
                            const char *path,
                            int flags,
                            uv_fs_cb cb);

/**
 * Gets the next entry that `uv_fs_scandir()` found.
 *
 * Returns 0 and sets `ent`, whose name is valid until the next call or `uv_fs_req_cleanup()`;
 * `UV_EOF` when there are no more; the error of a `uv_fs_scandir()` that failed. The type is
 * `UV_DIRENT_UNKNOWN` on file systems that do not tell it.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_scandir_next>.
 */
UV_EXTERN int uv_fs_scandir_next(uv_fs_t *req, uv_dirent_t *ent);

/**
 * Opens a directory for `uv_fs_readdir()`: opendir(3).
 *
 * The result is 0 or an error. On success `req->ptr` is a `uv_dir_t`, which `uv_fs_closedir()`
 * frees, not `uv_fs_req_cleanup()`; otherwise it is NULL. `uv_fs_open()` describes `loop`, `req`
 * and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_opendir>.
 */
UV_EXTERN int uv_fs_opendir(uv_loop_t *loop, uv_fs_t *req, const char *path, uv_fs_cb cb);

/**
 * Reads the next entries of a directory into `dir->dirents`, at most `dir->nentries`, in no
 * particular order, without `.` and `..`.
 *
 * The caller sets these two fields before. The result is the number of entries, 0 at the end, or
 * an error, `UV_EINVAL` when `dir` or `dir->dirents` is NULL. `uv_fs_req_cleanup()`
 * frees the names; it must be called before `dir` is closed or its fields are changed. Only one
 * request may read a directory at a time. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_readdir>.
 */
UV_EXTERN int uv_fs_readdir(uv_loop_t *loop, uv_fs_t *req, uv_dir_t *dir, uv_fs_cb cb);

/**
 * Closes a directory and frees `dir`: closedir(3).
 *
 * The result is 0, or `UV_EINVAL` when `dir` is NULL.
 * `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_closedir>.
 */
UV_EXTERN int uv_fs_closedir(uv_loop_t *loop, uv_fs_t *req, uv_dir_t *dir, uv_fs_cb cb);

/* Names of files: unlink, rename, link, symlink, readlink, realpath. */

/**
 * Deletes a name and, if it was the last one, the file: unlink(2).
 *
 * The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_unlink>.
 */
UV_EXTERN int uv_fs_unlink(uv_loop_t *loop, uv_fs_t *req, const char *path, uv_fs_cb cb);

/**
 * Renames a file or directory and replaces a file that has the name `new_path`: rename(2).
 *
 * The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_rename>.
 */
UV_EXTERN int uv_fs_rename(uv_loop_t *loop,
                           uv_fs_t *req,
                           const char *path,
                           const char *new_path,
                           uv_fs_cb cb);

/**
 * Gives the file `path` another name, `new_path`: link(2).
 *
 * The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_link>.
 */
UV_EXTERN int uv_fs_link(uv_loop_t *loop,
                         uv_fs_t *req,
                         const char *path,
                         const char *new_path,
                         uv_fs_cb cb);

/**
 * Makes `new_path` a symbolic link with the target `path`: symlink(2).
 *
 * `flags` are for Windows (`UV_FS_SYMLINK_DIR`, `UV_FS_SYMLINK_JUNCTION`) and ignored here. The
 * result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_symlink>.
 */
UV_EXTERN int uv_fs_symlink(uv_loop_t *loop,
                            uv_fs_t *req,
                            const char *path,
                            const char *new_path,
                            int flags,
                            uv_fs_cb cb);

/**
 * Reads the target of a symbolic link: readlink(2).
 *
 * The result is 0 or an error, `UV_EINVAL` if it is not a link. On success `req->ptr` is the
 * target, a string that `uv_fs_req_cleanup()` frees; otherwise it is NULL.
 * `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_readlink>.
 */
UV_EXTERN int uv_fs_readlink(uv_loop_t *loop,
                             uv_fs_t *req,
                             const char *path,
                             uv_fs_cb cb);

/**
 * Finds the absolute path of a file, without symbolic links, `.` and `..`: realpath(3).
 *
 * The result is 0 or an error. On success `req->ptr` is the path, a string that
 * `uv_fs_req_cleanup()` frees; otherwise it is NULL.
 * `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_realpath>.
 */
UV_EXTERN int uv_fs_realpath(uv_loop_t *loop,
                             uv_fs_t *req,
                             const char *path,
                             uv_fs_cb cb);

/* File operations: `uv_fs_t`. */

/**
 * Frees the memory that the library allocated for a request. Call it after the callback, or after a
 * synchronous call. Calling it again has no effect; NULL is allowed.
 *
 * `path` and `ptr` are NULL afterwards, `result` and `statbuf` do not change. The directory of
 * `uv_fs_opendir()` is not freed; `uv_fs_closedir()` frees it. A request that `uv_fs_*()` did not
 * start, but returned an error for, need not be cleaned up.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_req_cleanup>.
 */
UV_EXTERN void uv_fs_req_cleanup(uv_fs_t *req);

/**
 * Returns the type of the operation, `req->fs_type`.
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_type>.
 */
UV_EXTERN uv_fs_type uv_fs_get_type(const uv_fs_t *req);

/**
 * Returns the result, `req->result`: a count, a file descriptor or 0, or a negative error code.
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_result>.
 */
UV_EXTERN ssize_t uv_fs_get_result(const uv_fs_t *req);

/**
 * Returns the errno value of a request that failed, `-req->result`.
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_system_error>.
 */
UV_EXTERN int uv_fs_get_system_error(const uv_fs_t *req);

/**
 * Returns `req->ptr`, the result of operations that have more than a number.
 *
 * `uv_fs_req_cleanup()` frees the memory.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_ptr>.
 */
UV_EXTERN void *uv_fs_get_ptr(const uv_fs_t *req);

/**
 * Returns `req->path`, the path of the operation, or NULL.
 *
 * The memory belongs to the request, or after a synchronous call to the caller.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_path>.
 */
UV_EXTERN const char *uv_fs_get_path(const uv_fs_t *req);

/**
 * Returns the address of `req->statbuf`, which `uv_fs_stat()` and similar functions fill in.
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_statbuf>.
 */
UV_EXTERN uv_stat_t *uv_fs_get_statbuf(uv_fs_t *req);

/* Opening and closing files: open, close. */

/**
 * Opens a file: open(2) with `O_CLOEXEC`.
 *
 * `flags` are `UV_FS_O_RDONLY` and similar constants; `mode` is the mode of a new file, less the
 * umask. The result is the file descriptor; close it with `uv_fs_close()`.
 *
 * All `uv_fs_*()` functions work alike. With a callback the call is asynchronous: it copies the
 * path and returns 0, or an error if the request could not be started (`UV_EINVAL`, `UV_ENOMEM`);
 * `uv_run()` calls `cb` with the result in `req->result`. If `cb` is NULL, the call is synchronous:
 * `loop` is not used and may be NULL, and the result is also returned. Errors are negative. Pass the
 * request to `uv_fs_req_cleanup()` afterwards. Asynchronous calls: loop thread only.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_open>.
 */
UV_EXTERN int uv_fs_open(uv_loop_t *loop,
                         uv_fs_t *req,
                         const char *path,
                         int flags,
                         int mode,
                         uv_fs_cb cb);

/**
 * Closes a file descriptor: close(2). It is closed even if the call is interrupted, which is not an
 * error.
 *
 * The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_close>.
 */
UV_EXTERN int uv_fs_close(uv_loop_t *loop, uv_fs_t *req, uv_file file, uv_fs_cb cb);

/**
 * Returns the operating system's handle of a C runtime file descriptor: on Unix the same number.
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_get_osfhandle>.
 */
UV_EXTERN uv_os_fd_t uv_get_osfhandle(int fd);

/**
 * Returns the C runtime's file descriptor of an operating system handle: on Unix the same number.
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_open_osfhandle>.
 */
UV_EXTERN int uv_open_osfhandle(uv_os_fd_t os_fd);

/* The contents of files: read, write, fsync, fdatasync, ftruncate. */

/**
 * Reads from a file into buffers: preadv(2), or readv(2) from the current position when `offset`
 * is negative.
 *
 * The result is the number of bytes, which may be less than there is room for, and 0 at the end
 * of the file. One call fills at most `IOV_MAX` (1024) buffers. The array `bufs` is copied, the
 * buffers themselves must stay valid until the callback.
 *
 * `UV_EINVAL` if `bufs` is NULL or `nbufs` 0; `UV_EINTR` if a signal handler interrupted it, which
 * is possible for pipes and terminals.
 * `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_read>.
 */
UV_EXTERN int uv_fs_read(uv_loop_t *loop,
                         uv_fs_t *req,
                         uv_file file,
                         const uv_buf_t *bufs,
                         unsigned int nbufs,
                         int64_t offset,
                         uv_fs_cb cb);

/**
 * Writes buffers to a file: pwritev(2), or writev(2) at the current position when `offset` is
 * negative. A file opened with `UV_FS_O_APPEND` is always appended to.
 *
 * The result is the number of bytes. It is less than the buffers hold only if an error occurred
 * after some bytes were written; if none were written, the result is the error. The array `bufs` is
 * copied, the buffers themselves must stay valid until the callback.
 *
 * `UV_EINVAL` if `bufs` is NULL or `nbufs` 0, or for more than 2 GiB less a page.
 * `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_write>.
 */
UV_EXTERN int uv_fs_write(uv_loop_t *loop,
                          uv_fs_t *req,
                          uv_file file,
                          const uv_buf_t *bufs,
                          unsigned int nbufs,
                          int64_t offset,
                          uv_fs_cb cb);

/**
 * Flushes a file's contents and attributes to the disk: fsync(2).
 *
 * The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_fsync>.
 */
UV_EXTERN int uv_fs_fsync(uv_loop_t *loop, uv_fs_t *req, uv_file file, uv_fs_cb cb);

/**
 * Flushes a file's contents to the disk: fdatasync(2).
 *
 * The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_fdatasync>.
 */
UV_EXTERN int uv_fs_fdatasync(uv_loop_t *loop, uv_fs_t *req, uv_file file, uv_fs_cb cb);

/**
 * Sets the size of a file to `offset` bytes; a longer file ends in zeros: ftruncate(2).
 *
 * The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_ftruncate>.
 */
UV_EXTERN int uv_fs_ftruncate(uv_loop_t *loop,
                              uv_fs_t *req,
                              uv_file file,
                              int64_t offset,
                              uv_fs_cb cb);

/* Attributes of files and file systems: stat, lstat, fstat, statfs. */

/**
 * Gets the attributes of a file: stat(2), with the time of birth where the file system has it.
 *
 * The result is 0 or an error. On success they are in `req->statbuf`, and `req->ptr` points
 * there; otherwise it is NULL. `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_stat>.
 */
UV_EXTERN int uv_fs_stat(uv_loop_t *loop, uv_fs_t *req, const char *path, uv_fs_cb cb);

/**
 * As `uv_fs_stat()`, but of a symbolic link itself: lstat(2).
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_lstat>.
 */
UV_EXTERN int uv_fs_lstat(uv_loop_t *loop, uv_fs_t *req, const char *path, uv_fs_cb cb);

/**
 * As `uv_fs_stat()`, but of an open file: fstat(2).
 *
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_fstat>.
 */
UV_EXTERN int uv_fs_fstat(uv_loop_t *loop, uv_fs_t *req, uv_file file, uv_fs_cb cb);

/**
 * Gets the size and the use of the file system that `path` is on: statfs(2).
 *
 * The result is 0 or an error. On success `req->ptr` is a `uv_statfs_t` that
 * `uv_fs_req_cleanup()` frees; otherwise it is NULL.
 * `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_statfs>.
 */
UV_EXTERN int uv_fs_statfs(uv_loop_t *loop, uv_fs_t *req, const char *path, uv_fs_cb cb);

/* Files and directories with new names: mkdtemp, mkstemp. */

/**
 * Makes a directory with mode 0700 and a new name: mkdtemp(3).
 *
 * `tpl` ends in `XXXXXX`, which is replaced in a copy: `req->path` is the directory's name until
 * `uv_fs_req_cleanup()`. The result is 0 or an error, `UV_EINVAL` for another template.
 * `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_mkdtemp>.
 */
UV_EXTERN int uv_fs_mkdtemp(uv_loop_t *loop, uv_fs_t *req, const char *tpl, uv_fs_cb cb);

/**
 * Creates a file with mode 0600 and a new name, and opens it for reading and writing: mkstemp(3)
 * with `O_CLOEXEC`.
 *
 * `tpl` ends in `XXXXXX`, which is replaced in a copy: `req->path` is the file's name until
 * `uv_fs_req_cleanup()`, or empty after a failure. The result is the file descriptor or an error,
 * `UV_EINVAL` for another template.
 * `uv_fs_open()` describes `loop`, `req` and `cb`.
 * See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_mkstemp>.
 */
UV_EXTERN int uv_fs_mkstemp(uv_loop_t *loop, uv_fs_t *req, const char *tpl, uv_fs_cb cb);

/* Finding the addresses of a name: `uv_getaddrinfo`. */

/**
 * Finds the addresses of a host, of a service, or of both: getaddrinfo(3). A host name that is not
 * ASCII must be UTF-8 and is converted as an international domain name.
 *
 * With a callback the look-up runs on the thread pool, and the callback gets the list, or NULL and
 * an error; all arguments are copied. Without a callback the call blocks, and the list is in
 * `req->addrinfo`. The caller frees the list with `uv_freeaddrinfo()`.
 *
 * Returns 0; `UV_EINVAL` when `req` is NULL, when both `node` and `service` are, and for a host name
 * that is empty, not UTF-8 or longer than 255 bytes in ASCII; `UV_ENOMEM`; without a callback also
 * the error of the look-up, such as `UV_EAI_NONAME`. With a callback: loop thread only.
 * See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getaddrinfo>.
 */
UV_EXTERN int uv_getaddrinfo(uv_loop_t *loop,
                             uv_getaddrinfo_t *req,
                             uv_getaddrinfo_cb getaddrinfo_cb,
                             const char *node,
                             const char *service,
                             const struct addrinfo *hints);

/**
 * Frees a list of addresses that `uv_getaddrinfo()` made. NULL is allowed. Any thread.
 *
 * See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_freeaddrinfo>.
 */
UV_EXTERN void uv_freeaddrinfo(struct addrinfo *ai);

/* Finding the names of an address: `uv_getnameinfo`. */

/**
 * Finds the names of the host and the service that an IPv4 or IPv6 address belongs to:
 * getnameinfo(3) with `flags`. The address is copied.
 *
 * With a callback the look-up runs on the thread pool, and the callback gets the names, or NULL and
 * an error. Without a callback the call blocks, and the names are in `req->host` and `req->service`.
 *
 * Returns 0; `UV_EINVAL` when `req` or `addr` is NULL or the address is of another family; without
 * a callback also the error of the look-up, such as `UV_EAI_NONAME`. With a callback: loop thread
 * only.
 * See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getnameinfo>.
 */
UV_EXTERN int uv_getnameinfo(uv_loop_t *loop,
                             uv_getnameinfo_t *req,
                             uv_getnameinfo_cb getnameinfo_cb,
                             const struct sockaddr *addr,
                             int flags);

/* Random bytes: `uv_random`. */

/**
 * Fills `buf` with `buflen` random bytes from the kernel, which are fit for cryptographic keys.
 *
 * With a callback this runs on the thread pool, and `cb` is called on the loop's thread; `buf` must
 * be valid until then. Without a callback the call may block until the kernel has gathered entropy,
 * and uses neither `loop` nor `req`. `flags` must be 0.
 *
 * Returns 0; `UV_E2BIG` for more than 2 GiB; `UV_EINVAL` for flags; without a callback also any
 * error of getrandom(2). With a callback: loop thread only.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_random>.
 */
UV_EXTERN int uv_random(uv_loop_t *loop,
                        uv_random_t *req,
                        void *buf,
                        size_t buflen,
                        unsigned int flags,
                        uv_random_cb cb);

/* The user's own work on the thread pool: `uv_queue_work`. */

/**
 * Runs `work_cb` on a thread of the pool, then `after_work_cb`, which may be NULL, on the loop's
 * thread.
 *
 * Returns 0, or `UV_EINVAL` if `work_cb` is NULL. Loop thread only.
 * See <https://docs.libuv.org/en/v1.x/threadpool.html#c.uv_queue_work>.
 */
UV_EXTERN int uv_queue_work(uv_loop_t *loop,
                            uv_work_t *req,
                            uv_work_cb work_cb,
                            uv_after_work_cb after_work_cb);

/* Clocks and sleeping. */

/**
 * Returns the time of the monotonic clock, in nanoseconds since an arbitrary point.
 *
 * Any thread. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_hrtime>.
 */
UV_EXTERN uint64_t uv_hrtime(void);

/**
 * Reads a clock.
 *
 * Returns 0; `UV_EFAULT` if `ts` is NULL; `UV_EINVAL` if there is no such clock. Any thread.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_clock_gettime>.
 */
UV_EXTERN int uv_clock_gettime(uv_clock_id clock_id, uv_timespec64_t *ts);

/**
 * Puts the calling thread to sleep for `msec` milliseconds.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_sleep>.
 */
UV_EXTERN void uv_sleep(unsigned int msec);

/**
 * Gets the time of day, in seconds and microseconds since the start of 1970.
 *
 * Returns 0, or `UV_EINVAL` for NULL.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_gettimeofday>.
 */
UV_EXTERN int uv_gettimeofday(uv_timeval64_t *tv);

/* The CPUs. */

/**
 * Gets the CPUs that are online, as an array to be freed by `uv_free_cpu_info()`.
 *
 * Returns 0 or an error code such as `UV_ENOMEM`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_cpu_info>.
 */
UV_EXTERN int uv_cpu_info(uv_cpu_info_t **cpu_infos, int *count);

/**
 * Frees the result of `uv_cpu_info()`. NULL is allowed.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_free_cpu_info>.
 */
UV_EXTERN void uv_free_cpu_info(uv_cpu_info_t *cpu_infos, int count);

/**
 * Returns how many threads a program should use for work that keeps CPUs busy: the number of CPUs that
 * the calling thread may run on, or the quota of the control group if that is lower. At least 1.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_available_parallelism>.
 */
UV_EXTERN unsigned int uv_available_parallelism(void);

/* File descriptors: their kind, pipes, and inheritance. */

/**
 * Returns the type of handle for a descriptor: `UV_TTY`, `UV_NAMED_PIPE` (also for local stream
 * sockets), `UV_TCP`, `UV_UDP`, `UV_FILE` (also for character devices), or `UV_UNKNOWN_HANDLE`.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_guess_handle>.
 */
UV_EXTERN uv_handle_type uv_guess_handle(uv_file file);

/**
 * Makes a pipe: data written to `fds[1]` can be read from `fds[0]`. `read_flags` and `write_flags` are 0
 * or `UV_NONBLOCK_PIPE`. Both ends are close-on-exec.
 *
 * Returns 0 or an error code such as `UV_EMFILE`. Any thread.
 * See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe>.
 */
UV_EXTERN int uv_pipe(uv_file *fds, int read_flags, int write_flags);

/**
 * Makes the descriptors that this process inherited close-on-exec. Call it early in the program.
 *
 * See <https://docs.libuv.org/en/v1.x/process.html#c.uv_disable_stdio_inheritance>.
 */
UV_EXTERN void uv_disable_stdio_inheritance(void);

/* Paths: the working directory, the program's file, the home directory and that of temporary files. */

/**
 * Gets the working directory. `size` goes in as the size of `buffer` and comes out as the length
 * of the path.
 *
 * Returns 0; `UV_ENOBUFS` if the buffer is too small, with the size that is needed in `size`;
 * `UV_EINVAL` for NULL and for a size of 0; `UV_ENOENT` if the directory has been removed.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_cwd>.
 */
UV_EXTERN int uv_cwd(char *buffer, size_t *size);

/**
 * Changes the working directory of the process.
 *
 * Returns 0; `UV_EFAULT` for NULL; or another error code such as `UV_ENOENT`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_chdir>.
 */
UV_EXTERN int uv_chdir(const char *dir);

/**
 * Gets the path of the program's file, truncated to the buffer. `size` goes in as the size of `buffer`
 * and comes out as the length of the path.
 *
 * Returns 0; `UV_EINVAL` for NULL and for a size of 0; another error code if `/proc` is missing.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_exepath>.
 */
UV_EXTERN int uv_exepath(char *buffer, size_t *size);

/**
 * Gets the user's home directory: the environment variable `HOME`, or else the entry of the user
 * database. `size` goes in as the size of `buffer` and comes out as the length of the path.
 *
 * Returns 0; `UV_ENOBUFS` if the buffer is too small, with the size that is needed in `size`;
 * `UV_EINVAL` for NULL and for a size of 0; `UV_ENOENT` if the user is unknown.
 * Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_homedir>.
 */
UV_EXTERN int uv_os_homedir(char *buffer, size_t *size);

/**
 * Gets the directory for temporary files: the first of the environment variables `TMPDIR`, `TMP`,
 * `TEMP` and `TEMPDIR` that exists, or else `/tmp`. A slash at the end is removed. `size` goes in as the
 * size of `buffer` and comes out as the length of the path.
 *
 * Returns 0; `UV_ENOBUFS` if the buffer is too small, with the size that is needed in `size`;
 * `UV_EINVAL` for NULL and for a size of 0.
 * Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_tmpdir>.
 */
UV_EXTERN int uv_os_tmpdir(char *buffer, size_t *size);

/* The environment of the process. */

/**
 * Gets an environment variable. `size` goes in as the size of `buffer` and comes out as the length
 * of the value.
 *
 * Returns 0; `UV_ENOENT` if there is no such variable; `UV_ENOBUFS` if the buffer is too small,
 * with the size that is needed in `size`; `UV_EINVAL` for NULL and for a size of 0.
 * Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_getenv>.
 */
UV_EXTERN int uv_os_getenv(const char *name, char *buffer, size_t *size);

/**
 * Sets an environment variable, replacing an existing value.
 *
 * Returns 0; `UV_EINVAL` for NULL and for a name that is empty or contains `=`; `UV_ENOMEM`.
 * Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_setenv>.
 */
UV_EXTERN int uv_os_setenv(const char *name, const char *value);

/**
 * Removes an environment variable, if it exists.
 *
 * Returns 0, or `UV_EINVAL` for NULL and for a name that is empty or contains `=`.
 * Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_unsetenv>.
 */
UV_EXTERN int uv_os_unsetenv(const char *name);

/**
 * Gets all environment variables, as an array to be freed by `uv_os_free_environ()`.
 *
 * Returns 0 or `UV_ENOMEM`.
 * Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_environ>.
 */
UV_EXTERN int uv_os_environ(uv_env_item_t **envitems, int *count);

/**
 * Frees the result of `uv_os_environ()`. NULL is allowed.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_free_environ>.
 */
UV_EXTERN void uv_os_free_environ(uv_env_item_t *envitems, int count);

/* The host: name, uptime and load. */

/**
 * Gets the name of the host. `size` goes in as the size of `buffer`, for which `UV_MAXHOSTNAMESIZE` is
 * always enough, and comes out as the length of the name.
 *
 * Returns 0; `UV_ENOBUFS` if the buffer is too small, with the size that is needed in `size`;
 * `UV_EINVAL` for NULL and for a size of 0.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_gethostname>.
 */
UV_EXTERN int uv_os_gethostname(char *buffer, size_t *size);

/**
 * Gets the names and versions of the system and the hardware; see uname(2).
 *
 * Returns 0, or `UV_EINVAL` for NULL.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_uname>.
 */
UV_EXTERN int uv_os_uname(uv_utsname_t *buffer);

/**
 * Gets the uptime of the system, in seconds with two decimals.
 *
 * Returns 0 or an error code. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_uptime>.
 */
UV_EXTERN int uv_uptime(double *uptime);

/**
 * Gets the load averages of 1, 5 and 15 minutes.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_loadavg>.
 */
UV_EXTERN void uv_loadavg(double *avg);

/* Network interfaces. */

/**
 * Gets the IPv4 and IPv6 addresses of the network interfaces that are up, as an array to be freed by
 * `uv_free_interface_addresses()`. It is NULL if there are none.
 *
 * Returns 0 or an error code such as `UV_ENOMEM`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_interface_addresses>.
 */
UV_EXTERN int uv_interface_addresses(uv_interface_address_t **addresses, int *count);

/**
 * Frees the result of `uv_interface_addresses()`. NULL is allowed.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_free_interface_addresses>.
 */
UV_EXTERN void uv_free_interface_addresses(uv_interface_address_t *addresses, int count);

/**
 * Gets the name of the network interface with this index. `size` goes in as the size of `buffer`,
 * for which `UV_IF_NAMESIZE` is always enough, and comes out as the length of the name.
 *
 * Returns 0; `UV_ENXIO` if there is no such interface; `UV_ENOBUFS` if the buffer is too small,
 * with the size that is needed in `size`; `UV_EINVAL` for NULL and for a size of 0.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_if_indextoname>.
 */
UV_EXTERN int uv_if_indextoname(unsigned int ifindex, char *buffer, size_t *size);

/**
 * Gets the identifier of the network interface with this index that follows the `%` in a scoped IPv6
 * address. On Linux that is its name; see `uv_if_indextoname()`.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_if_indextoiid>.
 */
UV_EXTERN int uv_if_indextoiid(unsigned int ifindex, char *buffer, size_t *size);

/* Shared libraries that a program loads at run time. */

/**
 * Opens a shared library; a `filename` of NULL means the program itself. It must be closed also after an
 * error, as it holds the message.
 *
 * Returns 0, or -1 for an error.
 * See <https://docs.libuv.org/en/v1.x/dll.html#c.uv_dlopen>.
 */
UV_EXTERN int uv_dlopen(const char *filename, uv_lib_t *lib);

/**
 * Closes a shared library and frees its last error message. Closing twice is harmless.
 *
 * See <https://docs.libuv.org/en/v1.x/dll.html#c.uv_dlclose>.
 */
UV_EXTERN void uv_dlclose(uv_lib_t *lib);

/**
 * Looks up a symbol. Its address may be NULL without an error.
 *
 * Returns 0, or -1 for an error.
 * See <https://docs.libuv.org/en/v1.x/dll.html#c.uv_dlsym>.
 */
UV_EXTERN int uv_dlsym(uv_lib_t *lib, const char *name, void **ptr);

/**
 * Returns the message of the last error, or `"no error"`. The string belongs to `lib`.
 *
 * See <https://docs.libuv.org/en/v1.x/dll.html#c.uv_dlerror>.
 */
UV_EXTERN const char *uv_dlerror(const uv_lib_t *lib);

/* Mutexes and read-write locks. */

/**
 * Initialises a mutex that a thread must not lock twice.
 *
 * Returns 0 or an error code. See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_init>.
 */
UV_EXTERN int uv_mutex_init(uv_mutex_t *handle);

/**
 * Initialises a mutex that the thread which holds it may lock again. It must be unlocked as many
 * times.
 *
 * Returns 0 or an error code.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_init_recursive>.
 */
UV_EXTERN int uv_mutex_init_recursive(uv_mutex_t *handle);

/**
 * Destroys a mutex that no thread holds. Its memory may be reused.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_destroy>.
 */
UV_EXTERN void uv_mutex_destroy(uv_mutex_t *handle);

/**
 * Locks a mutex, waiting until it is free.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_lock>.
 */
UV_EXTERN void uv_mutex_lock(uv_mutex_t *handle);

/**
 * Locks a mutex if it is free. Returns 0 or `UV_EBUSY`.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_trylock>.
 */
UV_EXTERN int uv_mutex_trylock(uv_mutex_t *handle);

/**
 * Unlocks a mutex, on the thread that locked it.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_unlock>.
 */
UV_EXTERN void uv_mutex_unlock(uv_mutex_t *handle);

/**
 * Initialises a read-write lock. Returns 0 or an error code.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_init>.
 */
UV_EXTERN int uv_rwlock_init(uv_rwlock_t *rwlock);

/**
 * Destroys a read-write lock that no thread holds. Its memory may be reused.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_destroy>.
 */
UV_EXTERN void uv_rwlock_destroy(uv_rwlock_t *rwlock);

/**
 * Locks for reading, waiting until no writer holds the lock. Any number of readers may hold it.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_rdlock>.
 */
UV_EXTERN void uv_rwlock_rdlock(uv_rwlock_t *rwlock);

/**
 * Locks for reading if no writer holds the lock. Returns 0 or `UV_EBUSY`.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_tryrdlock>.
 */
UV_EXTERN int uv_rwlock_tryrdlock(uv_rwlock_t *rwlock);

/**
 * Unlocks a lock that is held for reading.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_rdunlock>.
 */
UV_EXTERN void uv_rwlock_rdunlock(uv_rwlock_t *rwlock);

/**
 * Locks for writing, waiting until no other thread holds the lock.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_wrlock>.
 */
UV_EXTERN void uv_rwlock_wrlock(uv_rwlock_t *rwlock);

/**
 * Locks for writing if no thread holds the lock. Returns 0 or `UV_EBUSY`.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_trywrlock>.
 */
UV_EXTERN int uv_rwlock_trywrlock(uv_rwlock_t *rwlock);

/**
 * Unlocks a lock that is held for writing.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_wrunlock>.
 */
UV_EXTERN void uv_rwlock_wrunlock(uv_rwlock_t *rwlock);

/* The amount of memory: total, free, and limits. */

/**
 * Returns the free memory in bytes, including caches that the kernel can reclaim; 0 if unknown.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_free_memory>.
 */
UV_EXTERN uint64_t uv_get_free_memory(void);

/**
 * Returns the memory of the system in bytes; 0 if unknown.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_total_memory>.
 */
UV_EXTERN uint64_t uv_get_total_memory(void);

/**
 * Returns how much memory this process may use, in bytes: the lowest limit of its control group, its
 * address space and its data segment. `UINT64_MAX` if none of them is set, 0 if unknown.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_constrained_memory>.
 */
UV_EXTERN uint64_t uv_get_constrained_memory(void);

/**
 * Returns how much memory is available to this process, in bytes: the rest of its control group's
 * limit, or else the free memory.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_available_memory>.
 */
UV_EXTERN uint64_t uv_get_available_memory(void);

/* Processes: ids, priorities, signals and resource usage. */

/**
 * Returns the id of this process.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_getpid>.
 */
UV_EXTERN uv_pid_t uv_os_getpid(void);

/**
 * Returns the id of the parent process.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_getppid>.
 */
UV_EXTERN uv_pid_t uv_os_getppid(void);

/**
 * Gets the scheduling priority of a process, from -20, the highest, to 19. A `pid` of 0 means this
 * process.
 *
 * Returns 0; `UV_ESRCH` if there is no such process; `UV_EINVAL` if `priority` is NULL.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_getpriority>.
 */
UV_EXTERN int uv_os_getpriority(uv_pid_t pid, int *priority);

/**
 * Sets the scheduling priority of a process, from -20, the highest, to 19; see the `UV_PRIORITY_`
 * constants. A `pid` of 0 means this process.
 *
 * Returns 0; `UV_ESRCH` if there is no such process; `UV_EINVAL` for a priority out of range;
 * `UV_EACCES` or `UV_EPERM` if that is not allowed.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_setpriority>.
 */
UV_EXTERN int uv_os_setpriority(uv_pid_t pid, int priority);

/**
 * Sends a signal to a process; a `signum` of 0 only checks whether that is possible.
 *
 * Returns 0 or an error code such as `UV_ESRCH`.
 * See <https://docs.libuv.org/en/v1.x/process.html#c.uv_kill>.
 */
UV_EXTERN int uv_kill(int pid, int signum);

/**
 * Gets the resident memory of this process, in bytes.
 *
 * Returns 0 or an error code.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_resident_set_memory>.
 */
UV_EXTERN int uv_resident_set_memory(size_t *rss);

/**
 * Gets the resources that this process has used.
 *
 * Returns 0 or an error code.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_getrusage>.
 */
UV_EXTERN int uv_getrusage(uv_rusage_t *rusage);

/**
 * Gets the resources that the calling thread has used.
 *
 * Returns 0 or an error code.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_getrusage_thread>.
 */
UV_EXTERN int uv_getrusage_thread(uv_rusage_t *rusage);

/* Semaphores, conditions, barriers and one-time initialisation. */

/**
 * Initialises a semaphore with a count. Returns 0, or `UV_EINVAL` for a count above `INT_MAX`.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_init>.
 */
UV_EXTERN int uv_sem_init(uv_sem_t *sem, unsigned int value);

/**
 * Destroys a semaphore that no thread waits for. Its memory may be reused.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_destroy>.
 */
UV_EXTERN void uv_sem_destroy(uv_sem_t *sem);

/**
 * Increments the count, which releases one waiter.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_post>.
 */
UV_EXTERN void uv_sem_post(uv_sem_t *sem);

/**
 * Decrements the count, waiting until it is not 0. Signals do not end the wait.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_wait>.
 */
UV_EXTERN void uv_sem_wait(uv_sem_t *sem);

/**
 * Decrements the count if it is not 0. Returns 0 or `UV_EAGAIN`.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_trywait>.
 */
UV_EXTERN int uv_sem_trywait(uv_sem_t *sem);

/**
 * Initialises a condition. Returns 0 or an error code.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_init>.
 */
UV_EXTERN int uv_cond_init(uv_cond_t *cond);

/**
 * Destroys a condition that no thread waits for. Its memory may be reused.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_destroy>.
 */
UV_EXTERN void uv_cond_destroy(uv_cond_t *cond);

/**
 * Wakes at least one waiting thread, if there is any.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_signal>.
 */
UV_EXTERN void uv_cond_signal(uv_cond_t *cond);

/**
 * Wakes all waiting threads.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_broadcast>.
 */
UV_EXTERN void uv_cond_broadcast(uv_cond_t *cond);

/**
 * Unlocks the mutex, waits to be woken, and locks it again. Spurious wake-ups are possible.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_wait>.
 */
UV_EXTERN void uv_cond_wait(uv_cond_t *cond, uv_mutex_t *mutex);

/**
 * Like `uv_cond_wait()`, for at most `timeout` nanoseconds. Returns 0 or `UV_ETIMEDOUT`; the mutex is
 * locked again in both cases.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_timedwait>.
 */
UV_EXTERN int uv_cond_timedwait(uv_cond_t *cond, uv_mutex_t *mutex, uint64_t timeout);

/**
 * Initialises a barrier for `count` threads. Returns 0, or `UV_EINVAL` for a count of 0 or above
 * `INT_MAX`.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_barrier_init>.
 */
UV_EXTERN int uv_barrier_init(uv_barrier_t *barrier, unsigned int count);

/**
 * Destroys a barrier after all waiting threads have been released. Its memory may be reused.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_barrier_destroy>.
 */
UV_EXTERN void uv_barrier_destroy(uv_barrier_t *barrier);

/**
 * Waits until as many threads wait as the barrier is for, and then releases all of them.
 *
 * Returns a positive number in one of the threads, which may then destroy the barrier, and 0 in the
 * others. See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_barrier_wait>.
 */
UV_EXTERN int uv_barrier_wait(uv_barrier_t *barrier);

/**
 * Calls the function once for each guard. Other threads that call this in the meantime wait until the
 * function has returned.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_once>.
 */
UV_EXTERN void uv_once(uv_once_t *guard, void (*callback)(void));

/* Threads. */

/**
 * Starts a thread that calls `entry(arg)`.
 *
 * The thread has to be joined or detached. Returns 0 or an error code, such as `UV_EAGAIN`.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_create>.
 */
UV_EXTERN int uv_thread_create(uv_thread_t *tid, uv_thread_cb entry, void *arg);

/**
 * Like `uv_thread_create()`, with options.
 *
 * `stack_size` is used if `flags` has `UV_THREAD_HAS_STACK_SIZE`. It is rounded up to a multiple of the
 * page size and to the minimum of the system; 0 means the default.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_create_ex>.
 */
UV_EXTERN int uv_thread_create_ex(uv_thread_t *tid,
                                  const uv_thread_options_t *params,
                                  uv_thread_cb entry,
                                  void *arg);

/**
 * Returns the id of the calling thread.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_self>.
 */
UV_EXTERN uv_thread_t uv_thread_self(void);

/**
 * Waits for the end of a thread and releases it.
 *
 * Returns 0 or an error code.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_join>.
 */
UV_EXTERN int uv_thread_join(uv_thread_t *tid);

/**
 * Detaches a thread: it releases its resources when it ends, and cannot be joined.
 *
 * Returns 0 or an error code.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_detach>.
 */
UV_EXTERN int uv_thread_detach(uv_thread_t *tid);

/**
 * Returns non-zero if both ids are those of the same thread.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_equal>.
 */
UV_EXTERN int uv_thread_equal(const uv_thread_t *t1, const uv_thread_t *t2);

/**
 * Sets the name of the calling thread, truncated to 15 bytes.
 *
 * Returns 0, or `UV_EINVAL` for NULL.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_setname>.
 */
UV_EXTERN int uv_thread_setname(const char *name);

/**
 * Gets the name of a thread, truncated to `size` bytes with its NUL.
 *
 * Returns 0, `UV_EINVAL` if `name` is NULL or `size` is 0, or another error code.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_getname>.
 */
UV_EXTERN int uv_thread_getname(uv_thread_t *tid, char *name, size_t size);

/**
 * Returns the number of entries of a CPU mask: how many CPUs the C library supports.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_cpumask_size>.
 */
UV_EXTERN int uv_cpumask_size(void);

/**
 * Sets the CPUs that a thread may run on: those whose entry in `cpumask` is not 0. Stores the previous
 * ones in `oldmask`, unless that is NULL. Both masks have `mask_size` entries, at least
 * `uv_cpumask_size()`.
 *
 * Returns 0, `UV_EINVAL` if the masks are too small or no CPU is left to run on, or another error
 * code. See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_setaffinity>.
 */
UV_EXTERN int uv_thread_setaffinity(uv_thread_t *tid,
                                    char *cpumask,
                                    char *oldmask,
                                    size_t mask_size);

/**
 * Gets the CPUs that a thread may run on: sets their entries in `cpumask` to 1 and the others to 0.
 * The mask has `mask_size` entries, at least `uv_cpumask_size()`.
 *
 * Returns 0, `UV_EINVAL` if the mask is too small, or another error code.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_getaffinity>.
 */
UV_EXTERN int uv_thread_getaffinity(uv_thread_t *tid, char *cpumask, size_t mask_size);

/**
 * Returns the number of the CPU that the calling thread runs on, or an error code.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_getcpu>.
 */
UV_EXTERN int uv_thread_getcpu(void);

/**
 * Gets the priority of a thread within its scheduling policy. With the default policy that is the nice
 * value of the calling thread, and 0 for other threads.
 *
 * Returns 0, `UV_EINVAL` if `priority` is NULL, or another error code.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_getpriority>.
 */
UV_EXTERN int uv_thread_getpriority(uv_thread_t tid, int *priority);

/**
 * Sets the priority of a thread to one of the `UV_THREAD_PRIORITY_` constants. With the default policy it
 * has an effect only on the calling thread.
 *
 * Returns 0; `UV_EINVAL` for another number; `UV_EACCES` or `UV_EPERM` if that is not allowed.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_setpriority>.
 */
UV_EXTERN int uv_thread_setpriority(uv_thread_t tid, int priority);

/* Thread-local storage: keys, for each of which every thread has its own pointer. */

/**
 * Creates a key, whose value is NULL in every thread.
 *
 * Returns 0, or an error code such as `UV_EAGAIN` when there are too many keys.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_key_create>.
 */
UV_EXTERN int uv_key_create(uv_key_t *key);

/**
 * Deletes a key. It does not release the values.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_key_delete>.
 */
UV_EXTERN void uv_key_delete(uv_key_t *key);

/**
 * Returns the calling thread's value.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_key_get>.
 */
UV_EXTERN void *uv_key_get(uv_key_t *key);

/**
 * Sets the calling thread's value.
 *
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_key_set>.
 */
UV_EXTERN void uv_key_set(uv_key_t *key, void *value);

/* The title of the process, which `ps` shows. */

/**
 * Prepares for `uv_set_process_title()`. Call it once, early in `main()`, with the arguments of that, and
 * use the arguments that it returns instead. They are a copy, or the same if there is no memory for
 * one, and are valid until `uv_library_shutdown()`.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_setup_args>.
 */
UV_EXTERN char **uv_setup_args(int argc, char **argv);

/**
 * Sets the title of this process, truncated to the size of its arguments, and the name of the calling
 * thread.
 *
 * Returns 0; `UV_ENOBUFS` if `uv_setup_args()` was not called before. Any thread.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_set_process_title>.
 */
UV_EXTERN int uv_set_process_title(const char *title);

/**
 * Gets the title of this process.
 *
 * Returns 0; `UV_EINVAL` if `buffer` is NULL or `size` is 0; `UV_ENOBUFS` if the buffer is too
 * small, and if `uv_setup_args()` was not called before. Any thread.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_process_title>.
 */
UV_EXTERN int uv_get_process_title(char *buffer, size_t size);

/* Users and groups, from the databases of the system. */

/**
 * Gets the effective user of the process. `uv_os_free_passwd()` frees the strings.
 *
 * Returns 0; `UV_ENOENT` if it is not in the user database; `UV_EINVAL` for NULL; `UV_ENOMEM`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_get_passwd>.
 */
UV_EXTERN int uv_os_get_passwd(uv_passwd_t *pwd);

/**
 * Gets the user with this id. `uv_os_free_passwd()` frees the strings.
 *
 * Returns 0; `UV_ENOENT` if it is not in the user database; `UV_EINVAL` for NULL; `UV_ENOMEM`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_get_passwd2>.
 */
UV_EXTERN int uv_os_get_passwd2(uv_passwd_t *pwd, uv_uid_t uid);

/**
 * Frees the strings of `uv_os_get_passwd()` and sets them to NULL. Freeing twice is harmless, and
 * NULL is allowed.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_free_passwd>.
 */
UV_EXTERN void uv_os_free_passwd(uv_passwd_t *pwd);

/**
 * Gets the group with this id. `uv_os_free_group()` frees the strings.
 *
 * Returns 0; `UV_ENOENT` if it is not in the group database; `UV_EINVAL` for NULL;
 * `UV_ENOMEM`.
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_get_group>.
 */
UV_EXTERN int uv_os_get_group(uv_group_t *grp, uv_uid_t gid);

/**
 * Frees the strings of `uv_os_get_group()` and sets them to NULL. Freeing twice is harmless, and
 * NULL is allowed.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_free_group>.
 */
UV_EXTERN void uv_os_free_group(uv_group_t *grp);

/* IPv4 and IPv6 addresses as text. */

/**
 * Converts a string with an IPv4 address to a socket address.
 *
 * Returns 0, or `UV_EINVAL` if `ip` is not an IPv4 address; the family and the port are set in both
 * cases.
 */
UV_EXTERN int uv_ip4_addr(const char *ip, int port, struct sockaddr_in *addr);

/**
 * Converts a string with an IPv6 address to a socket address. In `"fe80::1%eth0"` the part after the `%`
 * is the name of the network interface for the scope id, which is 0 for an unknown name.
 *
 * Returns 0, or `UV_EINVAL` if `ip` is not an IPv6 address; the family, the port and the scope id are
 * set in both cases.
 */
UV_EXTERN int uv_ip6_addr(const char *ip, int port, struct sockaddr_in6 *addr);

/**
 * Writes an IPv4 socket address as a string, without its port. Ignores the family.
 *
 * Returns 0, or `UV_ENOSPC` if `size` bytes do not hold the text and its NUL.
 */
UV_EXTERN int uv_ip4_name(const struct sockaddr_in *src, char *dst, size_t size);

/**
 * Writes an IPv6 socket address as a string, without its port and scope id. Ignores the family.
 *
 * Returns 0, or `UV_ENOSPC` if `size` bytes do not hold the text and its NUL.
 */
UV_EXTERN int uv_ip6_name(const struct sockaddr_in6 *src, char *dst, size_t size);

/**
 * Writes an IPv4 or IPv6 socket address as a string.
 *
 * Returns 0, `UV_ENOSPC` if `size` bytes do not hold the text and its NUL, or `UV_EAFNOSUPPORT`
 * if the address is neither IPv4 nor IPv6.
 */
UV_EXTERN int uv_ip_name(const struct sockaddr *src, char *dst, size_t size);

/**
 * Writes an address as a string. `src` points to 4 bytes for `AF_INET`, to 16 for `AF_INET6`, in
 * network order.
 *
 * Returns 0, `UV_ENOSPC` if `size` bytes do not hold the text and its NUL, or `UV_EAFNOSUPPORT`
 * for any other `af`.
 */
UV_EXTERN int uv_inet_ntop(int af, const void *src, char *dst, size_t size);

/**
 * Parses an address: 4 bytes in network order for `AF_INET`, 16 for `AF_INET6`. Ignores the part of an
 * IPv6 address from a `%` on.
 *
 * Returns 0; `UV_EINVAL` if `src` is NULL or not an address, leaving `dst` unchanged; `UV_EAFNOSUPPORT`
 * for any other `af`.
 */
UV_EXTERN int uv_inet_pton(int af, const char *src, void *dst);

/* Conversion between UTF-16 and WTF-8. */

/**
 * Returns the number of bytes of a UTF-16 string as WTF-8, without a NUL. `utf16_len` is the number of
 * units, or negative for a string that ends with a NUL.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_utf16_length_as_wtf8>.
 */
UV_EXTERN size_t uv_utf16_length_as_wtf8(const uint16_t *utf16, ssize_t utf16_len);

/**
 * Converts a UTF-16 string to WTF-8 and adds a NUL. `utf16_len` is the number of units, or negative
 * for a string that ends with a NUL.
 *
 * If `*wtf8_ptr` is NULL, it is set to new memory, which the caller must free. Otherwise it has room for
 * `*wtf8_len_ptr` bytes and one more, and the result is truncated to that. If `wtf8_ptr` is NULL, nothing
 * is converted. In all cases `*wtf8_len_ptr` becomes the number of bytes of the whole result, without the
 * NUL.
 *
 * Returns 0; `UV_ENOBUFS` if the result was truncated; `UV_ENOMEM`; `UV_EINVAL` for a buffer without a
 * length. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_utf16_to_wtf8>.
 */
UV_EXTERN int uv_utf16_to_wtf8(const uint16_t *utf16,
                               ssize_t utf16_len,
                               char **wtf8_ptr,
                               size_t *wtf8_len_ptr);

/**
 * Returns the number of units of a WTF-8 string as UTF-16, with its NUL, or `UV_EINVAL` if it is not
 * WTF-8.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_wtf8_length_as_utf16>.
 */
UV_EXTERN ssize_t uv_wtf8_length_as_utf16(const char *wtf8);

/**
 * Converts a WTF-8 string to UTF-16 and adds a NUL. `utf16_len` is the result of
 * `uv_wtf8_length_as_utf16()`, which has checked the string.
 *
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_wtf8_to_utf16>.
 */
UV_EXTERN void uv_wtf8_to_utf16(const char *wtf8, uint16_t *utf16, size_t utf16_len);

#ifdef __cplusplus
}
inline int uv_tty_set_mode(uv_tty_t *handle, int mode) {
  return uv_tty_set_mode(handle, static_cast<uv_tty_mode_t>(mode));
}
#endif

#endif /* UV_H */
