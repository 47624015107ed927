//! The functions that take a handle of any type.

use super::{flag, Handle};
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::Overlay;
use crate::sys;
use core::ffi::{c_char, c_int, c_void};
use core::ptr;

/// Closes a handle: what it does ends, its requests are cancelled, and `close_cb` (which may be
/// NULL) is called in a later phase. The memory is the caller's again when the callback begins.
///
/// Loop thread only. See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_close>.
///
/// # Safety
/// `handle` is an initialised handle that `uv_close()` was not called for.
#[no_mangle]
pub unsafe extern "C" fn uv_close(handle: *mut uv_handle_t, close_cb: uv_close_cb) {
    // SAFETY: the caller's contract.
    unsafe { Handle::of(handle) }.close(close_cb);
}

/// Non-zero when `uv_close()` was called for the handle.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_is_closing>.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_is_closing(handle: *const uv_handle_t) -> c_int {
    // SAFETY: the caller's contract.
    c_int::from(unsafe { Handle::of(handle) }.is_closing())
}

/// Non-zero when the handle is doing something: a timer that is started, a stream that reads or
/// listens, an async handle always.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_is_active>.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_is_active(handle: *const uv_handle_t) -> c_int {
    // SAFETY: the caller's contract.
    c_int::from(unsafe { Handle::of(handle) }.is_active())
}

/// Lets the handle keep the loop alive while it is active, as it does from the start. Doing it
/// twice is the same as once.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_ref>.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_ref(handle: *mut uv_handle_t) {
    // SAFETY: the caller's contract.
    unsafe { Handle::of(handle) }.reference();
}

/// Lets the loop end although the handle is active.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_unref>.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_unref(handle: *mut uv_handle_t) {
    // SAFETY: the caller's contract.
    unsafe { Handle::of(handle) }.unreference();
}

/// Non-zero when the handle keeps the loop alive while it is active.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_has_ref>.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_has_ref(handle: *const uv_handle_t) -> c_int {
    // SAFETY: the caller's contract.
    c_int::from(unsafe { Handle::of(handle) }.has(flag::REF))
}

/// The size in bytes of the handles of a type; `(size_t) -1` when there is no such type.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_handle_size>.
#[no_mangle]
pub extern "C" fn uv_handle_size(r#type: uv_handle_type) -> usize {
    handle_type(r#type).map_or(usize::MAX, |info| info.size)
}

/// The handle's field `type`.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_handle_get_type(handle: *const uv_handle_t) -> uv_handle_type {
    // SAFETY: the caller's contract.
    unsafe { Handle::of(handle) }.kind()
}

/// The name of a handle type, as in the name of its struct; NULL when there is no such type.
///
/// The string is static. See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_handle_type_name>.
#[no_mangle]
pub extern "C" fn uv_handle_type_name(r#type: uv_handle_type) -> *const c_char {
    if r#type == UV_FILE {
        return c"file".as_ptr();
    }
    handle_type(r#type).map_or(ptr::null(), |info| info.name.as_ptr())
}

/// The handle's field `data`.
///
/// # Safety
/// `handle` is a handle; it need not be initialised.
#[no_mangle]
pub unsafe extern "C" fn uv_handle_get_data(handle: *const uv_handle_t) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe { (&raw const (*handle).data).read() }
}

/// Sets the handle's field `data`.
///
/// # Safety
/// `handle` is a handle; it need not be initialised.
#[no_mangle]
pub unsafe extern "C" fn uv_handle_set_data(handle: *mut uv_handle_t, data: *mut c_void) {
    // SAFETY: the caller's contract.
    unsafe { (&raw mut (*handle).data).write(data) }
}

/// The handle's field `loop`.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_handle_get_loop(handle: *const uv_handle_t) -> *mut uv_loop_t {
    // SAFETY: the caller's contract.
    ptr::from_ref(unsafe { Handle::of(handle) }.loop_()).cast_mut().cast()
}

/// The descriptor that the handle uses, for TCP, pipe, TTY, UDP and poll handles. It still belongs
/// to the handle; it must not be closed or changed in ways that the handle does not expect.
///
/// Returns 0; `UV_EINVAL` for other handles; `UV_EBADF` when there is none or the handle is closed.
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_fileno>.
///
/// # Safety
/// `handle` is an initialised handle and `fd` is writable.
#[no_mangle]
pub unsafe extern "C" fn uv_fileno(handle: *const uv_handle_t, fd: *mut uv_os_fd_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Handle::of(handle).fd().map(|number| fd.write(number)).into_c() }
}

/// Gets (`*value` is 0) or sets the size of the socket's send buffer in bytes. Linux sets twice the
/// size that is asked for and answers with the doubled one.
///
/// Returns 0 or an error code; `UV_EINVAL` when `value` is NULL or the handle has no socket.
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_send_buffer_size>.
///
/// # Safety
/// `handle` is an initialised handle and `value` is NULL or writable.
#[no_mangle]
pub unsafe extern "C" fn uv_send_buffer_size(handle: *mut uv_handle_t, value: *mut c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { buffer_size(handle, libc::SO_SNDBUF, value) }.into_c()
}

/// Gets (`*value` is 0) or sets the size of the socket's receive buffer, as
/// `uv_send_buffer_size()` does.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_recv_buffer_size>.
///
/// # Safety
/// `handle` is an initialised handle and `value` is NULL or writable.
#[no_mangle]
pub unsafe extern "C" fn uv_recv_buffer_size(handle: *mut uv_handle_t, value: *mut c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { buffer_size(handle, libc::SO_RCVBUF, value) }.into_c()
}

/// # Safety
/// As for the two functions above.
unsafe fn buffer_size(handle: *const uv_handle_t, option: c_int, value: *mut c_int) -> Result {
    if handle.is_null() || value.is_null() {
        return Err(Error::EINVAL);
    }
    // SAFETY: the caller's contract.
    let handle = unsafe { Handle::of(handle) };
    if !matches!(handle.kind(), UV_TCP | UV_NAMED_PIPE | UV_UDP) {
        return Err(Error::ENOTSUP);
    }
    let fd = handle.fd()?;
    // SAFETY: the caller's contract.
    unsafe {
        if value.read() == 0 {
            value.write(sys::socket::option(fd, libc::SOL_SOCKET, option)?);
            Ok(())
        } else {
            sys::socket::set_option(fd, libc::SOL_SOCKET, option, value.read())
        }
    }
}

/// Prints a line for each handle of the loop to `stream`: whether it is active (`A`), referenced
/// (`R`) and internal (`I`), its type and its address. NULL is the default loop.
///
/// For debugging only. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_print_all_handles>.
///
/// # Safety
/// `loop` is NULL or an initialised loop, and `stream` is an open stdio stream.
#[no_mangle]
pub unsafe extern "C" fn uv_print_all_handles(r#loop: *mut uv_loop_t, stream: *mut libc::FILE) {
    // SAFETY: the caller's contract.
    unsafe { print_handles(r#loop, stream, false) }
}

/// As `uv_print_all_handles()`, for the active handles only.
///
/// # Safety
/// As for `uv_print_all_handles()`.
#[no_mangle]
pub unsafe extern "C" fn uv_print_active_handles(r#loop: *mut uv_loop_t, stream: *mut libc::FILE) {
    // SAFETY: the caller's contract.
    unsafe { print_handles(r#loop, stream, true) }
}

/// # Safety
/// As for `uv_print_all_handles()`.
unsafe fn print_handles(which: *mut uv_loop_t, stream: *mut libc::FILE, only_active: bool) {
    let which = if which.is_null() { crate::event_loop::uv_default_loop() } else { which };
    if which.is_null() {
        return;
    }
    // SAFETY: the caller's contract, and the default loop is initialised.
    let loop_ = unsafe { Loop::of(which) };
    let print = |flags: [(bool, u8); 3], kind, address: *const c_void| {
        if only_active && !flags[1].0 {
            return;
        }
        let [reference, active, internal] =
            flags.map(|(is_set, letter)| c_int::from(if is_set { letter } else { b'-' }));
        let name = uv_handle_type_name(kind);
        // SAFETY: the format matches the arguments, and the name is a C string.
        unsafe {
            let format = c"[%c%c%c] %-8s %p\n".as_ptr();
            libc::fprintf(stream, format, reference, active, internal, name, address);
        }
    };
    // The two handles that libuv keeps in every loop. They are not handles here, but do the same.
    let children = loop_.signals.watches_children();
    let signals = ptr::from_ref(&loop_.signals).cast();
    let mailbox = ptr::from_ref(&loop_.mailbox).cast();
    print([(false, b'R'), (children, b'A'), (true, b'I')], UV_SIGNAL, signals);
    print([(false, b'R'), (true, b'A'), (true, b'I')], UV_ASYNC, mailbox);
    loop_.listed_handles().for_each(|handle| {
        let flags = [(handle.has(flag::REF), b'R'), (handle.is_active(), b'A'), (false, b'I')];
        print(flags, handle.kind(), ptr::from_ref(handle).cast());
    });
}
