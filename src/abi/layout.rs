//! Compile-time assertions of all sizes, alignments and offsets.
//!
//! The numbers are those of libuv 1.53 on 64-bit Linux. `c-tests/layout/check.sh` compares the C headers
//! in the same way.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use super::*;
use core::mem::offset_of;

macro_rules! layout {
    ($($type:ident: $size:expr, $align:tt { $($field:ident: $offset:expr),* })*) => {
        $(const _: () = {
            assert!(size_of::<$type>() == $size, stringify!($type));
            assert!(align_of::<$type>() == $align, stringify!($type));
            $(assert!(
                offset_of!($type, $field) == $offset,
                concat!(stringify!($type), ".", stringify!($field))
            );)*
        };)*
    };
}

/// The difference to the size of a `pthread_mutex_t`, which the loop contains, on x86-64.
#[allow(dead_code)] // Rust 1.85 does not count uses in constants without a name.
const MUTEX: usize = if cfg!(target_arch = "aarch64") { 8 } else { 0 };

/// The alignment of a `sem_t`.
#[allow(dead_code)] // As above.
const SEMAPHORE: usize = if cfg!(target_env = "musl") { 4 } else { 8 };

/// The end of a host name and of a service, of 32 bytes, in a request; and the size of the request.
#[allow(dead_code)] // As above.
const NAMES: usize = (252 + NI_MAXHOST + 32).next_multiple_of(4);
#[allow(dead_code)] // As above.
const NAME_REQUEST: usize = (NAMES + 4).next_multiple_of(8);

layout! {
    uv_handle_t: 96, 8 { data: 0, r#loop: 8, r#type: 16, close_cb: 24, handle_queue: 32, u: 48,
        next_closing: 80, flags: 88 }
    uv_stream_t: 248, 8 { base: 0, write_queue_size: 96, alloc_cb: 104, read_cb: 112,
        connect_req: 120, shutdown_req: 128, io_watcher: 136, write_queue: 192,
        write_completed_queue: 208, connection_cb: 224, delayed_error: 232, accepted_fd: 236,
        queued_fds: 240 }
    uv_tcp_t: 248, 8 { base: 0 }
    uv_pipe_t: 264, 8 { base: 0, ipc: 248, pipe_fname: 256 }
    uv_tty_t: 312, 8 { base: 0, orig_termios: 248, mode: 308 }
    uv_udp_t: 216, 8 { base: 0, send_queue_size: 96, send_queue_count: 104, alloc_cb: 112,
        recv_cb: 120, io_watcher: 128, write_queue: 184, write_completed_queue: 200 }
    uv_poll_t: 160, 8 { base: 0, poll_cb: 96, io_watcher: 104 }
    uv_timer_t: 152, 8 { base: 0, timer_cb: 96, node: 104, timeout: 128, repeat: 136,
        start_id: 144 }
    uv_prepare_t: 120, 8 { base: 0, prepare_cb: 96, queue: 104 }
    uv_check_t: 120, 8 { base: 0, check_cb: 96, queue: 104 }
    uv_idle_t: 120, 8 { base: 0, idle_cb: 96, queue: 104 }
    uv_async_t: 128, 8 { base: 0, async_cb: 96, queue: 104, pending: 120 }
    uv_process_t: 136, 8 { base: 0, exit_cb: 96, pid: 104, queue: 112, status: 128 }
    uv_fs_event_t: 136, 8 { base: 0, path: 96, cb: 104, watchers: 112, wd: 128 }
    uv_fs_poll_t: 104, 8 { base: 0, poll_ctx: 96 }
    uv_signal_t: 152, 8 { base: 0, signal_cb: 96, signum: 104, tree_entry: 112,
        caught_signals: 144, dispatched_signals: 148 }
    uv_any_handle: 312, 8 {}
    uv_req_t: 64, 8 { data: 0, r#type: 8, reserved: 16 }
    uv_shutdown_t: 80, 8 { base: 0, handle: 64, cb: 72 }
    uv_write_t: 192, 8 { base: 0, cb: 64, send_handle: 72, handle: 80, queue: 88,
        write_index: 104, bufs: 112, nbufs: 120, error: 124, bufsml: 128 }
    uv_connect_t: 96, 8 { base: 0, cb: 64, handle: 72, queue: 80 }
    uv_udp_send_t: 320, 8 { base: 0, handle: 64, cb: 72, queue: 80, u: 96, nbufs: 224,
        bufs: 232, status: 240, send_cb: 248, bufsml: 256 }
    uv_fs_t: 440, 8 { base: 0, fs_type: 64, r#loop: 72, cb: 80, result: 88, ptr: 96, path: 104,
        statbuf: 112, new_path: 272, file: 280, flags: 284, mode: 288, nbufs: 292, bufs: 296,
        off: 304, uid: 312, gid: 316, atime: 320, mtime: 328, work_req: 336, bufsml: 376 }
    uv_work_t: 128, 8 { base: 0, r#loop: 64, work_cb: 72, after_work_cb: 80, work_req: 88 }
    uv_getaddrinfo_t: 160, 8 { base: 0, r#loop: 64, work_req: 72, cb: 112, hints: 120,
        hostname: 128, service: 136, addrinfo: 144, retcode: 152 }
    uv_getnameinfo_t: NAME_REQUEST, 8 { base: 0, r#loop: 64, work_req: 72, getnameinfo_cb: 112,
        storage: 120, flags: 248, host: 252, service: 252 + NI_MAXHOST,
        retcode: NAMES }
    uv_random_t: 144, 8 { base: 0, r#loop: 64, status: 72, buf: 80, buflen: 88, cb: 96,
        work_req: 104 }
    uv__work: 40, 8 { work: 0, done: 8, r#loop: 16, wq: 24 }
    uv_any_req: NAME_REQUEST, 8 {}
    uv_loop_t: 848 + MUTEX, 8 { data: 0, active_handles: 8, handle_queue: 16, active_reqs: 32,
        internal_fields: 40, stop_flag: 48, flags: 56, backend_fd: 64, pending_queue: 72,
        watcher_queue: 88, watchers: 104, nwatchers: 112, nfds: 116, wq: 120, wq_mutex: 136,
        wq_async: 176 + MUTEX, cloexec_lock: 304 + MUTEX, closing_handles: 360 + MUTEX,
        process_handles: 368 + MUTEX, prepare_handles: 384 + MUTEX, check_handles: 400 + MUTEX,
        idle_handles: 416 + MUTEX, async_handles: 432 + MUTEX, async_unused: 448 + MUTEX,
        async_io_watcher: 456 + MUTEX, async_wfd: 512 + MUTEX, timer_heap: 520 + MUTEX,
        timer_counter: 536 + MUTEX, time: 544 + MUTEX, signal_pipefd: 552 + MUTEX,
        signal_io_watcher: 560 + MUTEX, child_watcher: 616 + MUTEX, emfile_fd: 768 + MUTEX,
        inotify_read_watcher: 776 + MUTEX, inotify_watchers: 832 + MUTEX,
        inotify_fd: 840 + MUTEX }
    uv__io_t: 56, 8 { bits: 0, pending_queue: 8, watcher_queue: 24, pevents: 40, events: 44,
        fd: 48 }
    uv__queue: 16, 8 { next: 0, prev: 8 }
    uv_buf_t: 16, 8 { base: 0, len: 8 }
    uv_timespec_t: 16, 8 { tv_sec: 0, tv_nsec: 8 }
    uv_timeval_t: 16, 8 { tv_sec: 0, tv_usec: 8 }
    uv_timeval64_t: 16, 8 { tv_sec: 0, tv_usec: 8 }
    uv_timespec64_t: 16, 8 { tv_sec: 0, tv_nsec: 8 }
    uv_stat_t: 160, 8 { st_dev: 0, st_mode: 8, st_nlink: 16, st_uid: 24, st_gid: 32,
        st_rdev: 40, st_ino: 48, st_size: 56, st_blksize: 64, st_blocks: 72, st_flags: 80,
        st_gen: 88, st_atim: 96, st_mtim: 112, st_ctim: 128, st_birthtim: 144 }
    uv_dirent_t: 16, 8 { name: 0, r#type: 8 }
    uv_dir_t: 56, 8 { dirents: 0, nentries: 8, reserved: 16, dir: 48 }
    uv_statfs_t: 88, 8 { f_type: 0, f_bsize: 8, f_blocks: 16, f_bfree: 24, f_bavail: 32,
        f_files: 40, f_ffree: 48, f_frsize: 56, f_spare: 64 }
    uv_metrics_t: 128, 8 { loop_count: 0, events: 8, events_waiting: 16, reserved: 24 }
    uv_stdio_container_t: 16, 8 { flags: 0, data: 8 }
    uv_process_options_t: 64, 8 { exit_cb: 0, file: 8, args: 16, env: 24, cwd: 32, flags: 40,
        stdio_count: 44, stdio: 48, uid: 56, gid: 60 }
    uv_cpu_times_s: 40, 8 { user: 0, nice: 8, sys: 16, idle: 24, irq: 32 }
    uv_cpu_info_t: 56, 8 { model: 0, speed: 8, cpu_times: 16 }
    uv_interface_address_t: 80, 8 { name: 0, phys_addr: 8, is_internal: 16, address: 20,
        netmask: 48 }
    uv_passwd_t: 40, 8 { username: 0, uid: 8, gid: 16, shell: 24, homedir: 32 }
    uv_group_t: 24, 8 { groupname: 0, gid: 8, members: 16 }
    uv_utsname_t: 1024, 1 { sysname: 0, release: 256, version: 512, machine: 768 }
    uv_env_item_t: 16, 8 { name: 0, value: 8 }
    uv_rusage_t: 144, 8 { ru_utime: 0, ru_stime: 16, ru_maxrss: 32, ru_ixrss: 40, ru_idrss: 48,
        ru_isrss: 56, ru_minflt: 64, ru_majflt: 72, ru_nswap: 80, ru_inblock: 88,
        ru_oublock: 96, ru_msgsnd: 104, ru_msgrcv: 112, ru_nsignals: 120, ru_nvcsw: 128,
        ru_nivcsw: 136 }
    uv_lib_t: 16, 8 { handle: 0, errmsg: 8 }
    uv_thread_options_t: 16, 8 { flags: 0, stack_size: 8 }
    uv_once_t: 4, 4 {}
    uv_thread_t: 8, 8 {}
    uv_mutex_t: 40 + MUTEX, 8 {}
    uv_rwlock_t: 56, 8 {}
    uv_sem_t: 32, SEMAPHORE {}
    uv_cond_t: 48, 8 {}
    uv_key_t: 4, 4 {}
    uv_barrier_t: 32, 8 {}
}
