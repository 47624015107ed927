//! C functions that take a handle of any type.

use super::{flag, Handle};
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::Overlay;
use crate::sys;
use core::ffi::{c_char, c_int, c_void};
use core::ptr;

/// Closes a handle: stops it, cancels its requests, and calls `close_cb` (which may be NULL) in a later
/// phase. The user may free the handle in the callback.
///
/// Loop thread only. See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_close>.
///
/// # Safety
/// `handle` is an initialised handle that `uv_close()` was not called for.
#[no_mangle]
pub unsafe extern "C" fn uv_close(handle: *mut uv_handle_t, close_cb: uv_close_cb) {
    // SAFETY: as documented.
    unsafe { Handle::of(handle) }.close(close_cb);
}

/// Returns non-zero if `uv_close()` was called for the handle.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_is_closing>.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_is_closing(handle: *const uv_handle_t) -> c_int {
    // SAFETY: as documented.
    c_int::from(unsafe { Handle::of_reading(handle) }.is_closing())
}

/// Returns non-zero if the handle is active: a started timer, a stream that reads, writes or listens, any
/// async handle.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_is_active>.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_is_active(handle: *const uv_handle_t) -> c_int {
    // SAFETY: as documented.
    c_int::from(unsafe { Handle::of_reading(handle) }.is_active())
}

/// References the handle: it keeps the loop alive while it is active, as it does initially. A second call
/// has no effect.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_ref>.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_ref(handle: *mut uv_handle_t) {
    // SAFETY: as documented.
    unsafe { Handle::of(handle) }.reference();
}

/// Unreferences the handle: it does not keep the loop alive. A second call has no effect.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_unref>.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_unref(handle: *mut uv_handle_t) {
    // SAFETY: as documented.
    unsafe { Handle::of(handle) }.unreference();
}

/// Returns non-zero if the handle is referenced.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_has_ref>.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_has_ref(handle: *const uv_handle_t) -> c_int {
    // SAFETY: as documented.
    c_int::from(unsafe { Handle::of_reading(handle) }.has(flag::REF))
}

/// Returns the size of a handle type in bytes, or `(size_t) -1` for an unknown type.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_handle_size>.
#[no_mangle]
pub extern "C" fn uv_handle_size(r#type: uv_handle_type) -> usize {
    handle_type(r#type).map_or(usize::MAX, |info| info.size)
}

/// Returns the handle's field `type`.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_handle_get_type(handle: *const uv_handle_t) -> uv_handle_type {
    // SAFETY: as documented.
    unsafe { Handle::of_reading(handle) }.kind()
}

/// Returns the name of a handle type, which is part of the name of its struct, or NULL for an unknown
/// type. The string is static.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_handle_type_name>.
#[no_mangle]
pub extern "C" fn uv_handle_type_name(r#type: uv_handle_type) -> *const c_char {
    if r#type == UV_FILE {
        return c"file".as_ptr();
    }
    handle_type(r#type).map_or(ptr::null(), |info| info.name.as_ptr())
}

/// Returns the handle's field `data`.
///
/// # Safety
/// `handle` is a handle; it need not be initialised.
#[no_mangle]
pub unsafe extern "C" fn uv_handle_get_data(handle: *const uv_handle_t) -> *mut c_void {
    // SAFETY: as documented.
    unsafe { (&raw const (*handle).data).read() }
}

/// Sets the handle's field `data`.
///
/// # Safety
/// `handle` is a handle; it need not be initialised.
#[no_mangle]
pub unsafe extern "C" fn uv_handle_set_data(handle: *mut uv_handle_t, data: *mut c_void) {
    // SAFETY: as documented.
    unsafe { (&raw mut (*handle).data).write(data) }
}

/// Returns the handle's field `loop`.
///
/// # Safety
/// `handle` is an initialised handle.
#[no_mangle]
pub unsafe extern "C" fn uv_handle_get_loop(handle: *const uv_handle_t) -> *mut uv_loop_t {
    // SAFETY: as documented.
    ptr::from_ref(unsafe { Handle::of_reading(handle) }.loop_()).cast_mut().cast()
}

/// Gets the descriptor of a TCP, pipe, TTY, UDP or poll handle. The handle owns it: it must not be closed,
/// nor its mode be changed.
///
/// A UDP handle that has received many datagrams in a row may have had the kernel merge them. That ends here:
/// datagrams in the socket go to `recv_cb` before all others, and the caller reads those that come later.
///
/// Returns 0, `UV_EINVAL` for other handles, or `UV_EBADF` if the handle has none or is closing.
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_fileno>.
///
/// # Safety
/// `handle` is an initialised handle and `fd` is writable.
#[no_mangle]
pub unsafe extern "C" fn uv_fileno(handle: *const uv_handle_t, fd: *mut uv_os_fd_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Handle::of_reading(handle).shared_fd().map(|number| fd.write(number)).into_c() }
}

/// Gets (if `*value` is 0) or sets the size of the socket's send buffer in bytes. Linux doubles the size
/// that is set, and returns the doubled one.
///
/// Returns 0, `UV_EINVAL` if an argument is NULL, `UV_ENOTSUP` if the handle is of a type without a
/// socket, or another error code.
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_send_buffer_size>.
///
/// # Safety
/// `handle` is an initialised handle and `value` is NULL or writable.
#[no_mangle]
pub unsafe extern "C" fn uv_send_buffer_size(handle: *mut uv_handle_t, value: *mut c_int) -> c_int {
    // SAFETY: as documented.
    unsafe { buffer_size(handle, libc::SO_SNDBUF, value) }.into_c()
}

/// Gets (if `*value` is 0) or sets the size of the socket's receive buffer, as
/// `uv_send_buffer_size()` does for the send buffer.
///
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_recv_buffer_size>.
///
/// # Safety
/// `handle` is an initialised handle and `value` is NULL or writable.
#[no_mangle]
pub unsafe extern "C" fn uv_recv_buffer_size(handle: *mut uv_handle_t, value: *mut c_int) -> c_int {
    // SAFETY: as documented.
    unsafe { buffer_size(handle, libc::SO_RCVBUF, value) }.into_c()
}

/// # Safety
/// As for the two functions above.
unsafe fn buffer_size(handle: *const uv_handle_t, option: c_int, value: *mut c_int) -> Result {
    if handle.is_null() || value.is_null() {
        return Err(Error::EINVAL);
    }
    // SAFETY: not NULL, hence an initialised handle.
    let handle = unsafe { Handle::of(handle) };
    if !matches!(handle.kind(), UV_TCP | UV_NAMED_PIPE | UV_UDP) {
        return Err(Error::ENOTSUP);
    }
    let fd = handle.fd()?;
    // SAFETY: not NULL, hence readable and writable.
    unsafe {
        if value.read() == 0 {
            value.write(sys::socket::option(fd, libc::SOL_SOCKET, option)?);
            Ok(())
        } else {
            sys::socket::set_option(fd, libc::SOL_SOCKET, option, value.read())
        }
    }
}

/// Prints a line for each handle of the loop to `stream`: flags for referenced (`R`), active (`A`) and
/// internal (`I`), the type and the address. A `loop` of NULL is the default loop.
///
/// For debugging only. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_print_all_handles>.
///
/// # Safety
/// `loop` is NULL or an initialised loop, and `stream` is an open stdio stream.
#[no_mangle]
pub unsafe extern "C" fn uv_print_all_handles(r#loop: *mut uv_loop_t, stream: *mut libc::FILE) {
    // SAFETY: as documented.
    unsafe { print_handles(r#loop, stream, false) }
}

/// Prints the active handles, as `uv_print_all_handles()` prints all.
///
/// # Safety
/// As for `uv_print_all_handles()`.
#[no_mangle]
pub unsafe extern "C" fn uv_print_active_handles(r#loop: *mut uv_loop_t, stream: *mut libc::FILE) {
    // SAFETY: as documented.
    unsafe { print_handles(r#loop, stream, true) }
}

/// # Safety
/// As for `uv_print_all_handles()`.
unsafe fn print_handles(r#loop: *mut uv_loop_t, stream: *mut libc::FILE, only_active: bool) {
    let r#loop = if r#loop.is_null() { crate::event_loop::uv_default_loop() } else { r#loop };
    if r#loop.is_null() {
        return;
    }
    // SAFETY: as documented, and the default loop is initialised.
    let loop_ = unsafe { Loop::of(r#loop) };
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
