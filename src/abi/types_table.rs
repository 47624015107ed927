// The handle and request types: constant, value, name, C type.
//
// Included twice: by types.rs, which defines the constants and tables, and by build.rs, which generates
// UV_HANDLE_TYPE_MAP, UV_REQ_TYPE_MAP and the two C enums. The values are libuv's.
handle_types! {
    UV_ASYNC = 1, async, uv_async_t;
    UV_CHECK = 2, check, uv_check_t;
    UV_FS_EVENT = 3, fs_event, uv_fs_event_t;
    UV_FS_POLL = 4, fs_poll, uv_fs_poll_t;
    UV_HANDLE = 5, handle, uv_handle_t;
    UV_IDLE = 6, idle, uv_idle_t;
    UV_NAMED_PIPE = 7, pipe, uv_pipe_t;
    UV_POLL = 8, poll, uv_poll_t;
    UV_PREPARE = 9, prepare, uv_prepare_t;
    UV_PROCESS = 10, process, uv_process_t;
    UV_STREAM = 11, stream, uv_stream_t;
    UV_TCP = 12, tcp, uv_tcp_t;
    UV_TIMER = 13, timer, uv_timer_t;
    UV_TTY = 14, tty, uv_tty_t;
    UV_UDP = 15, udp, uv_udp_t;
    UV_SIGNAL = 16, signal, uv_signal_t;
}
request_types! {
    UV_REQ = 1, req, uv_req_t;
    UV_CONNECT = 2, connect, uv_connect_t;
    UV_WRITE = 3, write, uv_write_t;
    UV_SHUTDOWN = 4, shutdown, uv_shutdown_t;
    UV_UDP_SEND = 5, udp_send, uv_udp_send_t;
    UV_FS = 6, fs, uv_fs_t;
    UV_WORK = 7, work, uv_work_t;
    UV_GETADDRINFO = 8, getaddrinfo, uv_getaddrinfo_t;
    UV_GETNAMEINFO = 9, getnameinfo, uv_getnameinfo_t;
    UV_RANDOM = 10, random, uv_random_t;
}
