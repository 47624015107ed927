//! Streams over socketpairs and TCP, passed descriptors, poll handles, UDP.

use super::api::*;
use crate::sys::datagram::{self, Destination, Outbox};
use crate::sys::{fd, socket};
use core::ffi::{c_int, c_uint};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU32, Ordering};
use libc::{sockaddr, ssize_t};

/// Two connected pipe handles.
unsafe fn pair(l: *mut uv_loop_t, ipc: c_int) -> [*mut uv_pipe_t; 2] {
    let mut fds = [-1; 2];
    ok(uv_socketpair(libc::SOCK_STREAM, 0, fds.as_mut_ptr(), 0, 0));
    fds.map(|fd| {
        let pipe = alloc();
        ok(uv_pipe_init(l, pipe, ipc));
        ok(uv_pipe_open(pipe, fd));
        pipe
    })
}

unsafe extern "C-unwind" fn free_write(req: *mut uv_write_t, status: c_int) {
    ok(status);
    free(req);
}

/// The buffers are written, however often Miri cuts a write short, and read until the end; both ends
/// are closed in callbacks.
#[test]
fn what_is_written_is_read() {
    static READ: AtomicU32 = AtomicU32::new(0);
    static TEXT: [u8; 300] = [b'x'; 300];
    unsafe extern "C-unwind" fn on_read(pipe: *mut uv_stream_t, n: ssize_t, buf: *const uv_buf_t) {
        let bytes = taken(buf, n);
        assert!(bytes.iter().all(|byte| *byte == b'x'));
        READ.fetch_add(bytes.len() as u32, Ordering::Relaxed);
        if n < 0 {
            assert_eq!(n, Error::EOF.code() as ssize_t);
            close(pipe.cast::<uv_pipe_t>());
        }
    }
    unsafe extern "C-unwind" fn on_shutdown(req: *mut uv_shutdown_t, status: c_int) {
        ok(status);
        close((*req).handle.cast::<uv_pipe_t>());
        free(req);
    }
    with_loop(|l| unsafe {
        let [reader, writer] = pair(l, 0);
        ok(uv_read_start(reader.cast(), Some(on_alloc), Some(on_read)));
        for count in [1, 3, 6] {
            let parts: Vec<uv_buf_t> = TEXT.chunks(300 / count).map(buf).collect();
            let count = parts.len() as c_uint;
            ok(uv_write(alloc(), writer.cast(), parts.as_ptr(), count, Some(free_write)));
        }
        ok(uv_shutdown(alloc(), writer.cast(), Some(on_shutdown)));
    });
    assert_eq!(READ.load(Ordering::Relaxed), 900);
}

/// Closing cancels the writes that wait; a write that waits is cancelled.
#[test]
fn writes_that_wait_are_cancelled() {
    static ENDED: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C-unwind" fn on_write(req: *mut uv_write_t, _: c_int) {
        ENDED.fetch_add(1, Ordering::Relaxed);
        free(req);
    }
    with_loop(|l| unsafe {
        let [reader, writer] = pair(l, 0);
        let large = vec![0; 300_000];
        let reqs: [*mut uv_write_t; 3] = core::array::from_fn(|_| alloc());
        for req in reqs {
            ok(uv_write(req, writer.cast(), &buf(&large), 1, Some(on_write)));
        }
        ok(uv_cancel(reqs[2].cast()));
        uv_run(l, UV_RUN_NOWAIT);
        close(writer);
        close(reader);
        uv_run(l, UV_RUN_NOWAIT);
        assert_eq!(ENDED.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn a_handle_is_passed() {
    unsafe extern "C-unwind" fn on_read(pipe: *mut uv_stream_t, n: ssize_t, buf: *const uv_buf_t) {
        if n < 0 {
            return close(pipe.cast::<uv_pipe_t>());
        }
        drop(taken(buf, n));
        let passed = alloc::<uv_pipe_t>();
        ok(uv_pipe_init((*pipe).base.r#loop, passed, 0));
        ok(uv_accept(pipe, passed.cast()));
        close(passed);
        ok(uv_read_stop(pipe));
        close(pipe.cast::<uv_pipe_t>());
    }
    with_loop(|l| unsafe {
        let [reader, writer] = pair(l, 1);
        let [one, other] = pair(l, 0);
        ok(uv_read_start(reader.cast(), Some(on_alloc), Some(on_read)));
        let text = buf(b"x");
        ok(uv_write2(alloc(), writer.cast(), &text, 1, one.cast(), Some(free_write)));
        uv_run(l, UV_RUN_NOWAIT);
        for pipe in [writer, one, other] {
            close(pipe);
        }
    });
}

#[test]
fn tcp_connects_and_is_accepted() {
    unsafe extern "C-unwind" fn on_connection(server: *mut uv_stream_t, status: c_int) {
        ok(status);
        let client = alloc::<uv_tcp_t>();
        ok(uv_tcp_init((*server).base.r#loop, client));
        ok(uv_accept(server, client.cast()));
        ok(uv_write(alloc(), client.cast(), &buf(b"hello"), 1, Some(on_write)));
        close(server.cast::<uv_tcp_t>());
    }
    unsafe extern "C-unwind" fn on_write(req: *mut uv_write_t, status: c_int) {
        ok(status);
        close((*req).handle.cast::<uv_tcp_t>());
        free(req);
    }
    unsafe extern "C-unwind" fn on_connect(req: *mut uv_connect_t, status: c_int) {
        ok(status);
        ok(uv_read_start((*req).handle, Some(on_alloc), Some(on_read)));
        free(req);
    }
    unsafe extern "C-unwind" fn on_read(tcp: *mut uv_stream_t, n: ssize_t, buf: *const uv_buf_t) {
        drop(taken(buf, n));
        if n < 0 {
            close(tcp.cast::<uv_tcp_t>());
        }
    }
    with_loop(|l| unsafe {
        let server = alloc::<uv_tcp_t>();
        ok(uv_tcp_init(l, server));
        ok(uv_tcp_bind(server, core::ptr::from_ref(&loopback(0)).cast(), 0));
        ok(uv_listen(server.cast(), 8, Some(on_connection)));
        let mut address = MaybeUninit::<libc::sockaddr_storage>::uninit();
        let mut length = size_of::<libc::sockaddr_storage>() as c_int;
        ok(uv_tcp_getsockname(server, address.as_mut_ptr().cast(), &mut length));
        let client = alloc::<uv_tcp_t>();
        ok(uv_tcp_init(l, client));
        ok(uv_tcp_connect(alloc(), client, address.as_ptr().cast(), Some(on_connect)));
    });
}

#[test]
fn a_descriptor_is_polled() {
    unsafe extern "C-unwind" fn on_poll(poll: *mut uv_poll_t, status: c_int, events: c_int) {
        ok(status);
        assert_eq!(events, UV_WRITABLE);
        close(poll);
    }
    let mut fds = [-1; 2];
    with_loop(|l| unsafe {
        ok(uv_socketpair(libc::SOCK_STREAM, 0, fds.as_mut_ptr(), 0, 0));
        let poll = alloc();
        ok(uv_poll_init(l, poll, fds[0]));
        ok(uv_poll_start(poll, UV_WRITABLE, Some(on_poll)));
    });
    for fd in fds {
        unsafe { libc::close(fd) };
    }
}

/// Datagrams of one size to one address become one message, others one call.
unsafe fn datagrams(receiver_flags: c_uint) {
    static SENT: AtomicU32 = AtomicU32::new(0);
    static RECEIVED: AtomicU32 = AtomicU32::new(0);
    // As much as two datagrams need that are received together.
    type Room = [u8; 2 << 16];
    unsafe extern "C-unwind" fn on_send(req: *mut uv_udp_send_t, status: c_int) {
        ok(status);
        SENT.fetch_add(1, Ordering::Relaxed);
        free(req);
    }
    unsafe extern "C-unwind" fn alloc_room(udp: *mut uv_handle_t, _: usize, to: *mut uv_buf_t) {
        to.write(uv_buf_t { base: (*udp).data.cast(), len: size_of::<Room>() });
    }
    unsafe extern "C-unwind" fn on_recv(
        udp: *mut uv_udp_t,
        n: ssize_t,
        buf: *const uv_buf_t,
        from: *const sockaddr,
        flags: c_uint,
    ) {
        if from.is_null() {
            return;
        }
        assert_eq!(flags & UV_UDP_PARTIAL as c_uint, 0);
        assert_eq!((*buf).base.cast::<u8>().read(), b'a');
        assert!(n == 10 || n == 7);
        if RECEIVED.fetch_add(1, Ordering::Relaxed) == 11 {
            close(udp);
        }
    }
    let room = alloc::<Room>();
    SENT.store(0, Ordering::Relaxed);
    RECEIVED.store(0, Ordering::Relaxed);
    with_loop(|l| unsafe {
        let (receiver, sender) = (alloc::<uv_udp_t>(), alloc::<uv_udp_t>());
        let address = loopback(9123);
        let address = (&raw const address).cast();
        ok(uv_udp_init_ex(l, receiver, receiver_flags));
        (*receiver).base.data = room.cast();
        ok(uv_udp_bind(receiver, address, 0));
        ok(uv_udp_recv_start(receiver, Some(alloc_room), Some(on_recv)));
        ok(uv_udp_init(l, sender));
        // The first is sent at once, the others together.
        for index in 0..12 {
            let text = &b"abcdefghij"[..if index % 5 == 4 { 7 } else { 10 }];
            let parts = [buf(&text[..4]), buf(&text[4..])];
            ok(uv_udp_send(alloc(), sender, parts.as_ptr(), 2, address, Some(on_send)));
        }
        uv_run(l, UV_RUN_NOWAIT);
        close(sender);
    });
    free(room);
    assert_eq!(SENT.load(Ordering::Relaxed), 12);
    assert_eq!(RECEIVED.load(Ordering::Relaxed), 12);
}

#[test]
fn datagrams_are_received_one_by_one() {
    unsafe { datagrams(libc::AF_INET as c_uint) }
}

#[test]
fn datagrams_are_received_together() {
    unsafe { datagrams(libc::AF_INET as c_uint | UV_UDP_RECVMMSG as c_uint) }
}

#[test]
fn sends_that_wait_end_with_the_handle() {
    static ENDED: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C-unwind" fn on_send(req: *mut uv_udp_send_t, _: c_int) {
        ENDED.fetch_add(1, Ordering::Relaxed);
        free(req);
    }
    with_loop(|l| unsafe {
        let udp = alloc::<uv_udp_t>();
        ok(uv_udp_init(l, udp));
        let address = loopback(9124);
        for _ in 0..3 {
            let address = (&raw const address).cast();
            ok(uv_udp_send(alloc(), udp, &buf(b"x"), 1, address, Some(on_send)));
        }
        close(udp);
    });
    assert_eq!(ENDED.load(Ordering::Relaxed), 3);
}

/// Nothing in an outbox points to another part of it before it is sent.
#[test]
fn an_outbox_moves_with_its_datagrams() {
    let address = loopback(9125);
    let length = size_of_val(&address) as libc::socklen_t;
    let address = core::ptr::from_ref(&address).cast();
    let [one, other] =
        [(); 2].map(|()| socket::socket(libc::AF_INET, libc::SOCK_DGRAM, 0).unwrap());
    let parts = [buf(b"ab"), buf(b"cd")];
    unsafe {
        socket::bind(one, address, length).unwrap();
        let mut moved = {
            let mut outbox = Outbox::new(true);
            for part in &parts {
                outbox.push(Destination { address, length }, core::slice::from_ref(part));
            }
            Box::new(outbox)
        };
        assert_eq!(moved.send(other), Ok(Some(2)));
        for part in [b"ab", b"cd"] {
            let mut bytes = [0; 2];
            let room = uv_buf_t { base: bytes.as_mut_ptr().cast(), len: 2 };
            datagram::receive(one, &room, &mut MaybeUninit::uninit()).unwrap();
            assert_eq!(&bytes, part);
        }
    }
    for fd in [one, other] {
        fd::close(fd).unwrap();
    }
}
