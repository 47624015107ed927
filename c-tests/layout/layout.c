/* Prints everything in uv.h that a compiled program depends on: sizes, alignments, offsets,
 * the values of enums and macros. check.sh compiles it with two headers and compares.
 *
 * LAYOUT_VERSION is the older of the two headers' versions, and SINCE(minor) says whether it is
 * 1.minor or newer. Additions between 1.44 and 1.50, the versions in Debian 12 and 13, are
 * compared from 1.50 on.
 */
#include <uv.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define SINCE(minor) (LAYOUT_VERSION >= (1 << 16 | (minor) << 8))

#define TYPE(t)                                                               \
  do {                                                                        \
    struct probe { char c; t x; };                                            \
    printf("%s: size %zu, alignment %zu\n",                                   \
           #t, sizeof(t), offsetof(struct probe, x));                         \
  } while (0)

#define FIELD(t, f)                                                           \
  printf("%s.%s: offset %zu, size %zu\n",                                     \
         #t, #f, offsetof(t, f), sizeof(((t*) 0)->f))

#define INT(x) printf("%s = %lld\n", #x, (long long) (x))
#define STRING(x) printf("%s = \"%s\"\n", #x, x)

#define HANDLE(t)                                                             \
  TYPE(t);                                                                    \
  FIELD(t, data);                                                             \
  FIELD(t, loop);                                                             \
  FIELD(t, type);                                                             \
  FIELD(t, close_cb);                                                         \
  FIELD(t, handle_queue);                                                     \
  FIELD(t, u);                                                                \
  FIELD(t, u.fd);                                                             \
  FIELD(t, u.reserved);                                                       \
  FIELD(t, next_closing);                                                     \
  FIELD(t, flags)

#define STREAM(t)                                                             \
  HANDLE(t);                                                                  \
  FIELD(t, write_queue_size);                                                 \
  FIELD(t, alloc_cb);                                                         \
  FIELD(t, read_cb);                                                          \
  FIELD(t, connect_req);                                                      \
  FIELD(t, shutdown_req);                                                     \
  FIELD(t, io_watcher);                                                       \
  FIELD(t, io_watcher.fd);                                                    \
  FIELD(t, write_queue);                                                      \
  FIELD(t, write_completed_queue);                                            \
  FIELD(t, connection_cb);                                                    \
  FIELD(t, delayed_error);                                                    \
  FIELD(t, accepted_fd);                                                      \
  FIELD(t, queued_fds)

#define REQUEST(t)                                                            \
  TYPE(t);                                                                    \
  FIELD(t, data);                                                             \
  FIELD(t, type);                                                             \
  FIELD(t, reserved[0])

static void io_handles(void) {
  HANDLE(uv_handle_t);
  STREAM(uv_stream_t);
  STREAM(uv_tcp_t);

  STREAM(uv_pipe_t);
  FIELD(uv_pipe_t, ipc);
  FIELD(uv_pipe_t, pipe_fname);

  STREAM(uv_tty_t);
  FIELD(uv_tty_t, orig_termios);
  FIELD(uv_tty_t, mode);

  HANDLE(uv_udp_t);
  FIELD(uv_udp_t, send_queue_size);
  FIELD(uv_udp_t, send_queue_count);
  FIELD(uv_udp_t, alloc_cb);
  FIELD(uv_udp_t, recv_cb);
  FIELD(uv_udp_t, io_watcher);
  FIELD(uv_udp_t, io_watcher.fd);
  FIELD(uv_udp_t, write_queue);
  FIELD(uv_udp_t, write_completed_queue);

  HANDLE(uv_poll_t);
  FIELD(uv_poll_t, poll_cb);
  FIELD(uv_poll_t, io_watcher);
  FIELD(uv_poll_t, io_watcher.fd);
}

static void other_handles(void) {
  HANDLE(uv_timer_t);
  FIELD(uv_timer_t, timer_cb);
  FIELD(uv_timer_t, timeout);
  FIELD(uv_timer_t, repeat);
  FIELD(uv_timer_t, start_id);
#if SINCE(50)
  FIELD(uv_timer_t, node);
  FIELD(uv_timer_t, node.heap);
  FIELD(uv_timer_t, node.queue);
#endif

  HANDLE(uv_prepare_t);
  FIELD(uv_prepare_t, prepare_cb);
  FIELD(uv_prepare_t, queue);

  HANDLE(uv_check_t);
  FIELD(uv_check_t, check_cb);
  FIELD(uv_check_t, queue);

  HANDLE(uv_idle_t);
  FIELD(uv_idle_t, idle_cb);
  FIELD(uv_idle_t, queue);

  HANDLE(uv_async_t);
  FIELD(uv_async_t, async_cb);
  FIELD(uv_async_t, queue);
  FIELD(uv_async_t, pending);

  HANDLE(uv_process_t);
  FIELD(uv_process_t, exit_cb);
  FIELD(uv_process_t, pid);
  FIELD(uv_process_t, queue);
  FIELD(uv_process_t, status);

  HANDLE(uv_fs_event_t);
  FIELD(uv_fs_event_t, path);
  FIELD(uv_fs_event_t, cb);
  FIELD(uv_fs_event_t, watchers);
  FIELD(uv_fs_event_t, wd);

  HANDLE(uv_fs_poll_t);
  FIELD(uv_fs_poll_t, poll_ctx);

  HANDLE(uv_signal_t);
  FIELD(uv_signal_t, signal_cb);
  FIELD(uv_signal_t, signum);
  FIELD(uv_signal_t, tree_entry);
  FIELD(uv_signal_t, tree_entry.rbe_left);
  FIELD(uv_signal_t, tree_entry.rbe_right);
  FIELD(uv_signal_t, tree_entry.rbe_parent);
  FIELD(uv_signal_t, tree_entry.rbe_color);
  FIELD(uv_signal_t, caught_signals);
  FIELD(uv_signal_t, dispatched_signals);

  TYPE(union uv_any_handle);
#define XX(_, name) FIELD(union uv_any_handle, name);
  UV_HANDLE_TYPE_MAP(XX)
#undef XX
}

static void io_requests(void) {
  REQUEST(uv_req_t);

  REQUEST(uv_shutdown_t);
  FIELD(uv_shutdown_t, handle);
  FIELD(uv_shutdown_t, cb);

  REQUEST(uv_write_t);
  FIELD(uv_write_t, cb);
  FIELD(uv_write_t, send_handle);
  FIELD(uv_write_t, handle);
  FIELD(uv_write_t, queue);
  FIELD(uv_write_t, write_index);
  FIELD(uv_write_t, bufs);
  FIELD(uv_write_t, nbufs);
  FIELD(uv_write_t, error);
  FIELD(uv_write_t, bufsml);

  REQUEST(uv_connect_t);
  FIELD(uv_connect_t, cb);
  FIELD(uv_connect_t, handle);
  FIELD(uv_connect_t, queue);

  REQUEST(uv_udp_send_t);
  FIELD(uv_udp_send_t, handle);
  FIELD(uv_udp_send_t, cb);
  FIELD(uv_udp_send_t, queue);
#if SINCE(50)
  FIELD(uv_udp_send_t, u);
  FIELD(uv_udp_send_t, u.addr);
  FIELD(uv_udp_send_t, u.storage);
#endif
  FIELD(uv_udp_send_t, nbufs);
  FIELD(uv_udp_send_t, bufs);
  FIELD(uv_udp_send_t, status);
  FIELD(uv_udp_send_t, send_cb);
  FIELD(uv_udp_send_t, bufsml);
}

static void file_requests(void) {
  REQUEST(uv_fs_t);
  FIELD(uv_fs_t, fs_type);
  FIELD(uv_fs_t, loop);
  FIELD(uv_fs_t, cb);
  FIELD(uv_fs_t, result);
  FIELD(uv_fs_t, ptr);
  FIELD(uv_fs_t, path);
  FIELD(uv_fs_t, statbuf);
  FIELD(uv_fs_t, new_path);
  FIELD(uv_fs_t, file);
  FIELD(uv_fs_t, flags);
  FIELD(uv_fs_t, mode);
  FIELD(uv_fs_t, nbufs);
  FIELD(uv_fs_t, bufs);
  FIELD(uv_fs_t, off);
  FIELD(uv_fs_t, uid);
  FIELD(uv_fs_t, gid);
  FIELD(uv_fs_t, atime);
  FIELD(uv_fs_t, mtime);
  FIELD(uv_fs_t, work_req);
  FIELD(uv_fs_t, bufsml);
}

static void pool_requests(void) {
  REQUEST(uv_work_t);
  FIELD(uv_work_t, loop);
  FIELD(uv_work_t, work_cb);
  FIELD(uv_work_t, after_work_cb);
  FIELD(uv_work_t, work_req);

  REQUEST(uv_getaddrinfo_t);
  FIELD(uv_getaddrinfo_t, loop);
  FIELD(uv_getaddrinfo_t, work_req);
  FIELD(uv_getaddrinfo_t, cb);
  FIELD(uv_getaddrinfo_t, hints);
  FIELD(uv_getaddrinfo_t, hostname);
  FIELD(uv_getaddrinfo_t, service);
  FIELD(uv_getaddrinfo_t, addrinfo);
  FIELD(uv_getaddrinfo_t, retcode);

  REQUEST(uv_getnameinfo_t);
  FIELD(uv_getnameinfo_t, loop);
  FIELD(uv_getnameinfo_t, work_req);
  FIELD(uv_getnameinfo_t, getnameinfo_cb);
  FIELD(uv_getnameinfo_t, storage);
  FIELD(uv_getnameinfo_t, flags);
  FIELD(uv_getnameinfo_t, host);
  FIELD(uv_getnameinfo_t, service);
  FIELD(uv_getnameinfo_t, retcode);

  REQUEST(uv_random_t);
  FIELD(uv_random_t, loop);
  FIELD(uv_random_t, status);
  FIELD(uv_random_t, buf);
  FIELD(uv_random_t, buflen);
  FIELD(uv_random_t, cb);
  FIELD(uv_random_t, work_req);

  TYPE(struct uv__work);
  FIELD(struct uv__work, work);
  FIELD(struct uv__work, done);
  FIELD(struct uv__work, loop);
  FIELD(struct uv__work, wq);

  TYPE(union uv_any_req);
#define XX(_, name) FIELD(union uv_any_req, name);
  UV_REQ_TYPE_MAP(XX)
#undef XX
}

static void loop(void) {
  TYPE(uv_loop_t);
  FIELD(uv_loop_t, data);
  FIELD(uv_loop_t, active_handles);
  FIELD(uv_loop_t, handle_queue);
  FIELD(uv_loop_t, active_reqs);
  FIELD(uv_loop_t, active_reqs.count);
  FIELD(uv_loop_t, internal_fields);
  FIELD(uv_loop_t, stop_flag);
  FIELD(uv_loop_t, flags);
  FIELD(uv_loop_t, backend_fd);
  FIELD(uv_loop_t, pending_queue);
  FIELD(uv_loop_t, watcher_queue);
  FIELD(uv_loop_t, watchers);
  FIELD(uv_loop_t, nwatchers);
  FIELD(uv_loop_t, nfds);
  FIELD(uv_loop_t, wq);
  FIELD(uv_loop_t, wq_mutex);
  FIELD(uv_loop_t, wq_async);
  FIELD(uv_loop_t, cloexec_lock);
  FIELD(uv_loop_t, closing_handles);
  FIELD(uv_loop_t, process_handles);
  FIELD(uv_loop_t, prepare_handles);
  FIELD(uv_loop_t, check_handles);
  FIELD(uv_loop_t, idle_handles);
  FIELD(uv_loop_t, async_handles);
  FIELD(uv_loop_t, async_unused);
  FIELD(uv_loop_t, async_io_watcher);
  FIELD(uv_loop_t, async_wfd);
  FIELD(uv_loop_t, timer_heap);
  FIELD(uv_loop_t, timer_heap.min);
  FIELD(uv_loop_t, timer_heap.nelts);
  FIELD(uv_loop_t, timer_counter);
  FIELD(uv_loop_t, time);
  FIELD(uv_loop_t, signal_pipefd);
  FIELD(uv_loop_t, signal_io_watcher);
  FIELD(uv_loop_t, child_watcher);
  FIELD(uv_loop_t, emfile_fd);
  FIELD(uv_loop_t, inotify_read_watcher);
  FIELD(uv_loop_t, inotify_watchers);
  FIELD(uv_loop_t, inotify_fd);

  TYPE(uv__io_t);
  FIELD(uv__io_t, pending_queue);
  FIELD(uv__io_t, watcher_queue);
  FIELD(uv__io_t, pevents);
  FIELD(uv__io_t, events);
  FIELD(uv__io_t, fd);
#if SINCE(52)
  FIELD(uv__io_t, bits);
#endif
#if SINCE(50)
  TYPE(struct uv__queue);
  FIELD(struct uv__queue, next);
  FIELD(struct uv__queue, prev);
#endif
}

static void buffers_and_times(void) {
  TYPE(uv_buf_t);
  FIELD(uv_buf_t, base);
  FIELD(uv_buf_t, len);

  TYPE(uv_timespec_t);
  FIELD(uv_timespec_t, tv_sec);
  FIELD(uv_timespec_t, tv_nsec);
  TYPE(uv_timeval_t);
  FIELD(uv_timeval_t, tv_sec);
  FIELD(uv_timeval_t, tv_usec);
  TYPE(uv_timeval64_t);
  FIELD(uv_timeval64_t, tv_sec);
  FIELD(uv_timeval64_t, tv_usec);
#if SINCE(50)
  TYPE(uv_timespec64_t);
  FIELD(uv_timespec64_t, tv_sec);
  FIELD(uv_timespec64_t, tv_nsec);
#endif
}

static void files(void) {
  TYPE(uv_stat_t);
  FIELD(uv_stat_t, st_dev);
  FIELD(uv_stat_t, st_mode);
  FIELD(uv_stat_t, st_nlink);
  FIELD(uv_stat_t, st_uid);
  FIELD(uv_stat_t, st_gid);
  FIELD(uv_stat_t, st_rdev);
  FIELD(uv_stat_t, st_ino);
  FIELD(uv_stat_t, st_size);
  FIELD(uv_stat_t, st_blksize);
  FIELD(uv_stat_t, st_blocks);
  FIELD(uv_stat_t, st_flags);
  FIELD(uv_stat_t, st_gen);
  FIELD(uv_stat_t, st_atim);
  FIELD(uv_stat_t, st_mtim);
  FIELD(uv_stat_t, st_ctim);
  FIELD(uv_stat_t, st_birthtim);

  TYPE(uv_dirent_t);
  FIELD(uv_dirent_t, name);
  FIELD(uv_dirent_t, type);
  TYPE(uv_dir_t);
  FIELD(uv_dir_t, dirents);
  FIELD(uv_dir_t, nentries);
  FIELD(uv_dir_t, reserved);
  FIELD(uv_dir_t, dir);

  TYPE(uv_statfs_t);
  FIELD(uv_statfs_t, f_type);
  FIELD(uv_statfs_t, f_bsize);
  FIELD(uv_statfs_t, f_blocks);
  FIELD(uv_statfs_t, f_bfree);
  FIELD(uv_statfs_t, f_bavail);
  FIELD(uv_statfs_t, f_files);
  FIELD(uv_statfs_t, f_ffree);
#if SINCE(52)
  FIELD(uv_statfs_t, f_frsize);
  FIELD(uv_statfs_t, f_spare);
#endif
}

static void metrics_and_processes(void) {
#if SINCE(50)
  TYPE(uv_metrics_t);
  FIELD(uv_metrics_t, loop_count);
  FIELD(uv_metrics_t, events);
  FIELD(uv_metrics_t, events_waiting);
  FIELD(uv_metrics_t, reserved);
#endif

  TYPE(uv_stdio_container_t);
  FIELD(uv_stdio_container_t, flags);
  FIELD(uv_stdio_container_t, data.stream);
  FIELD(uv_stdio_container_t, data.fd);

  TYPE(uv_process_options_t);
  FIELD(uv_process_options_t, exit_cb);
  FIELD(uv_process_options_t, file);
  FIELD(uv_process_options_t, args);
  FIELD(uv_process_options_t, env);
  FIELD(uv_process_options_t, cwd);
  FIELD(uv_process_options_t, flags);
  FIELD(uv_process_options_t, stdio_count);
  FIELD(uv_process_options_t, stdio);
  FIELD(uv_process_options_t, uid);
  FIELD(uv_process_options_t, gid);
}

static void host_and_users(void) {
  TYPE(struct uv_cpu_times_s);
  TYPE(uv_cpu_info_t);
  FIELD(uv_cpu_info_t, model);
  FIELD(uv_cpu_info_t, speed);
  FIELD(uv_cpu_info_t, cpu_times.user);
  FIELD(uv_cpu_info_t, cpu_times.nice);
  FIELD(uv_cpu_info_t, cpu_times.sys);
  FIELD(uv_cpu_info_t, cpu_times.idle);
  FIELD(uv_cpu_info_t, cpu_times.irq);

  TYPE(uv_interface_address_t);
  FIELD(uv_interface_address_t, name);
  FIELD(uv_interface_address_t, phys_addr);
  FIELD(uv_interface_address_t, is_internal);
  FIELD(uv_interface_address_t, address.address4);
  FIELD(uv_interface_address_t, address.address6);
  FIELD(uv_interface_address_t, netmask.netmask4);
  FIELD(uv_interface_address_t, netmask.netmask6);

  TYPE(uv_passwd_t);
  FIELD(uv_passwd_t, username);
  FIELD(uv_passwd_t, uid);
  FIELD(uv_passwd_t, gid);
  FIELD(uv_passwd_t, shell);
  FIELD(uv_passwd_t, homedir);
#if SINCE(50)
  TYPE(uv_group_t);
  FIELD(uv_group_t, groupname);
  FIELD(uv_group_t, gid);
  FIELD(uv_group_t, members);
#endif
}

static void environment_and_usage(void) {
  TYPE(uv_utsname_t);
  FIELD(uv_utsname_t, sysname);
  FIELD(uv_utsname_t, release);
  FIELD(uv_utsname_t, version);
  FIELD(uv_utsname_t, machine);

  TYPE(uv_env_item_t);
  FIELD(uv_env_item_t, name);
  FIELD(uv_env_item_t, value);

  TYPE(uv_rusage_t);
  FIELD(uv_rusage_t, ru_utime);
  FIELD(uv_rusage_t, ru_stime);
  FIELD(uv_rusage_t, ru_maxrss);
  FIELD(uv_rusage_t, ru_ixrss);
  FIELD(uv_rusage_t, ru_idrss);
  FIELD(uv_rusage_t, ru_isrss);
  FIELD(uv_rusage_t, ru_minflt);
  FIELD(uv_rusage_t, ru_majflt);
  FIELD(uv_rusage_t, ru_nswap);
  FIELD(uv_rusage_t, ru_inblock);
  FIELD(uv_rusage_t, ru_oublock);
  FIELD(uv_rusage_t, ru_msgsnd);
  FIELD(uv_rusage_t, ru_msgrcv);
  FIELD(uv_rusage_t, ru_nsignals);
  FIELD(uv_rusage_t, ru_nvcsw);
  FIELD(uv_rusage_t, ru_nivcsw);
}

static void libraries_and_threads(void) {
  TYPE(uv_lib_t);
  FIELD(uv_lib_t, handle);
  FIELD(uv_lib_t, errmsg);

  TYPE(uv_thread_options_t);
  FIELD(uv_thread_options_t, flags);
  FIELD(uv_thread_options_t, stack_size);

  TYPE(uv_file);
  TYPE(uv_os_sock_t);
  TYPE(uv_os_fd_t);
  TYPE(uv_pid_t);
  TYPE(uv_uid_t);
  TYPE(uv_gid_t);
  TYPE(uv_once_t);
  TYPE(uv_thread_t);
  TYPE(uv_mutex_t);
  TYPE(uv_rwlock_t);
  TYPE(uv_sem_t);
  TYPE(uv_cond_t);
  TYPE(uv_key_t);
  TYPE(uv_barrier_t);
}

static void loop_enums(void) {
  TYPE(uv_errno_t);
  TYPE(uv_handle_type);
  INT(UV_UNKNOWN_HANDLE);
#define XX(uc, lc) printf(#uc " " #lc " = %d\n", UV_ ## uc);
  UV_HANDLE_TYPE_MAP(XX)
  INT(UV_FILE);
  INT(UV_HANDLE_TYPE_MAX);
  TYPE(uv_req_type);
  INT(UV_UNKNOWN_REQ);
  UV_REQ_TYPE_MAP(XX)
#undef XX
  INT(UV_REQ_TYPE_MAX);

  TYPE(uv_loop_option);
  INT(UV_LOOP_BLOCK_SIGNAL);
  INT(UV_METRICS_IDLE_TIME);
#if SINCE(50)
  INT(UV_LOOP_USE_IO_URING_SQPOLL);
  TYPE(uv_clock_id);
  INT(UV_CLOCK_MONOTONIC);
  INT(UV_CLOCK_REALTIME);
#endif
  TYPE(uv_run_mode);
  INT(UV_RUN_DEFAULT);
  INT(UV_RUN_ONCE);
  INT(UV_RUN_NOWAIT);
  TYPE(uv_membership);
  INT(UV_LEAVE_GROUP);
  INT(UV_JOIN_GROUP);
}

static void socket_enums(void) {
  TYPE(enum uv_tcp_flags);
  INT(UV_TCP_IPV6ONLY);
  TYPE(enum uv_udp_flags);
  INT(UV_UDP_IPV6ONLY);
  INT(UV_UDP_PARTIAL);
  INT(UV_UDP_REUSEADDR);
  INT(UV_UDP_MMSG_CHUNK);
  INT(UV_UDP_MMSG_FREE);
  INT(UV_UDP_LINUX_RECVERR);
  INT(UV_UDP_RECVMMSG);
  TYPE(uv_tty_mode_t);
  INT(UV_TTY_MODE_NORMAL);
  INT(UV_TTY_MODE_RAW);
  INT(UV_TTY_MODE_IO);
  TYPE(uv_tty_vtermstate_t);
  INT(UV_TTY_SUPPORTED);
  INT(UV_TTY_UNSUPPORTED);
#if SINCE(50)
  INT(UV_TCP_REUSEPORT);
  INT(UV_UDP_REUSEPORT);
  INT(UV_PIPE_NO_TRUNCATE);
#endif
#if SINCE(51)
  INT(UV_TTY_MODE_RAW_VT);
#endif
  TYPE(enum uv_poll_event);
  INT(UV_READABLE);
  INT(UV_WRITABLE);
  INT(UV_DISCONNECT);
  INT(UV_PRIORITIZED);
}

static void process_and_entry_enums(void) {
  TYPE(uv_stdio_flags);
  INT(UV_IGNORE);
  INT(UV_CREATE_PIPE);
  INT(UV_INHERIT_FD);
  INT(UV_INHERIT_STREAM);
  INT(UV_READABLE_PIPE);
  INT(UV_WRITABLE_PIPE);
  INT(UV_NONBLOCK_PIPE);
  INT(UV_OVERLAPPED_PIPE);
  TYPE(enum uv_process_flags);
  INT(UV_PROCESS_SETUID);
  INT(UV_PROCESS_SETGID);
  INT(UV_PROCESS_WINDOWS_VERBATIM_ARGUMENTS);
  INT(UV_PROCESS_DETACHED);
  INT(UV_PROCESS_WINDOWS_HIDE);
  INT(UV_PROCESS_WINDOWS_HIDE_CONSOLE);
  INT(UV_PROCESS_WINDOWS_HIDE_GUI);

  TYPE(uv_dirent_type_t);
  INT(UV_DIRENT_UNKNOWN);
  INT(UV_DIRENT_FILE);
  INT(UV_DIRENT_DIR);
  INT(UV_DIRENT_LINK);
  INT(UV_DIRENT_FIFO);
  INT(UV_DIRENT_SOCKET);
  INT(UV_DIRENT_CHAR);
  INT(UV_DIRENT_BLOCK);
}

static void file_enums(void) {
  TYPE(uv_fs_type);
  INT(UV_FS_UNKNOWN);
  INT(UV_FS_CUSTOM);
  INT(UV_FS_OPEN);
  INT(UV_FS_CLOSE);
  INT(UV_FS_READ);
  INT(UV_FS_WRITE);
  INT(UV_FS_SENDFILE);
  INT(UV_FS_STAT);
  INT(UV_FS_LSTAT);
  INT(UV_FS_FSTAT);
  INT(UV_FS_FTRUNCATE);
  INT(UV_FS_UTIME);
  INT(UV_FS_FUTIME);
  INT(UV_FS_ACCESS);
  INT(UV_FS_CHMOD);
  INT(UV_FS_FCHMOD);
  INT(UV_FS_FSYNC);
  INT(UV_FS_FDATASYNC);
  INT(UV_FS_UNLINK);
  INT(UV_FS_RMDIR);
  INT(UV_FS_MKDIR);
  INT(UV_FS_MKDTEMP);
  INT(UV_FS_RENAME);
  INT(UV_FS_SCANDIR);
  INT(UV_FS_LINK);
  INT(UV_FS_SYMLINK);
  INT(UV_FS_READLINK);
  INT(UV_FS_CHOWN);
  INT(UV_FS_FCHOWN);
  INT(UV_FS_REALPATH);
  INT(UV_FS_COPYFILE);
  INT(UV_FS_LCHOWN);
  INT(UV_FS_OPENDIR);
  INT(UV_FS_READDIR);
  INT(UV_FS_CLOSEDIR);
  INT(UV_FS_STATFS);
  INT(UV_FS_MKSTEMP);
  INT(UV_FS_LUTIME);

  TYPE(enum uv_fs_event);
  INT(UV_RENAME);
  INT(UV_CHANGE);
  TYPE(enum uv_fs_event_flags);
  INT(UV_FS_EVENT_WATCH_ENTRY);
  INT(UV_FS_EVENT_STAT);
  INT(UV_FS_EVENT_RECURSIVE);
}

static void thread_enums(void) {
  TYPE(uv_thread_create_flags);
  INT(UV_THREAD_NO_FLAGS);
  INT(UV_THREAD_HAS_STACK_SIZE);
#if SINCE(50)
  INT(UV_PROCESS_WINDOWS_FILE_PATH_EXACT_NAME);
  INT(UV_THREAD_PRIORITY_HIGHEST);
  INT(UV_THREAD_PRIORITY_ABOVE_NORMAL);
  INT(UV_THREAD_PRIORITY_NORMAL);
  INT(UV_THREAD_PRIORITY_BELOW_NORMAL);
  INT(UV_THREAD_PRIORITY_LOWEST);
#endif
}

static void macros(void) {
  INT(UV_FS_COPYFILE_EXCL);
  INT(UV_FS_COPYFILE_FICLONE);
  INT(UV_FS_COPYFILE_FICLONE_FORCE);
  INT(UV_FS_SYMLINK_DIR);
  INT(UV_FS_SYMLINK_JUNCTION);
  INT(UV_FS_O_APPEND);
  INT(UV_FS_O_CREAT);
  INT(UV_FS_O_DIRECT);
  INT(UV_FS_O_DIRECTORY);
  INT(UV_FS_O_DSYNC);
  INT(UV_FS_O_EXCL);
  INT(UV_FS_O_EXLOCK);
  INT(UV_FS_O_FILEMAP);
  INT(UV_FS_O_NOATIME);
  INT(UV_FS_O_NOCTTY);
  INT(UV_FS_O_NOFOLLOW);
  INT(UV_FS_O_NONBLOCK);
  INT(UV_FS_O_RANDOM);
  INT(UV_FS_O_RDONLY);
  INT(UV_FS_O_RDWR);
  INT(UV_FS_O_SEQUENTIAL);
  INT(UV_FS_O_SHORT_LIVED);
  INT(UV_FS_O_SYMLINK);
  INT(UV_FS_O_SYNC);
  INT(UV_FS_O_TEMPORARY);
  INT(UV_FS_O_TRUNC);
  INT(UV_FS_O_WRONLY);
  INT(UV_PRIORITY_LOW);
  INT(UV_PRIORITY_BELOW_NORMAL);
  INT(UV_PRIORITY_NORMAL);
  INT(UV_PRIORITY_ABOVE_NORMAL);
  INT(UV_PRIORITY_HIGH);
  INT(UV_PRIORITY_HIGHEST);
  INT(UV_MAXHOSTNAMESIZE);
  INT(UV_IF_NAMESIZE);
  INT(UV_ONCE_INIT);
  INT(UV__DT_FILE);
  INT(UV__DT_DIR);
  INT(UV__DT_LINK);
  INT(UV__DT_FIFO);
  INT(UV__DT_SOCKET);
  INT(UV__DT_CHAR);
  INT(UV__DT_BLOCK);
  INT(UV_VERSION_MAJOR);
  INT(UV_VERSION_IS_RELEASE);
  STRING(UV_VERSION_SUFFIX);
#if SINCE(50) && !defined(UV_LOOP_USE_IO_URING_SQPOLL)
# error "UV_LOOP_USE_IO_URING_SQPOLL is also a macro"
#endif
#if SINCE(53)
  INT(UV_VERSION_MINOR);
  INT(UV_VERSION_PATCH);
  INT(UV_VERSION_HEX);
  INT(UV_FS_UTIME_NOW == INFINITY);
  INT(UV_FS_UTIME_OMIT != UV_FS_UTIME_OMIT);
#endif
}

/* Errors that 1.44 does not have. */
static int is_newer(const char* name) {
  return strcmp(name, "ENODATA") == 0 || strcmp(name, "EUNATCH") == 0 ||
         strcmp(name, "ENOEXEC") == 0;
}

static void errors(void) {
#define XX(name, message)                                                     \
  if (SINCE(50) || !is_newer(#name))                                          \
    printf(#name " = %d, \"%s\"\n", UV_ ## name, message);
  UV_ERRNO_MAP(XX)
#undef XX
  INT(UV_ERRNO_MAX);
}

int main(void) {
  io_handles();
  other_handles();
  io_requests();
  file_requests();
  pool_requests();
  loop();
  buffers_and_times();
  files();
  metrics_and_processes();
  host_and_users();
  environment_and_usage();
  libraries_and_threads();
  loop_enums();
  socket_enums();
  process_and_entry_enums();
  file_enums();
  thread_enums();
  macros();
  errors();
  return 0;
}
