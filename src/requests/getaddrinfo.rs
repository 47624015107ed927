//! Finding the addresses of a name: `uv_getaddrinfo`.

use super::Request;
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, padding, Overlay, Padding};
use crate::memory;
use crate::observe::layout::Callback;
use crate::observe::{layout, offsets};
use crate::pool::{PoolRequest, Work};
use crate::sys;
use crate::text::idna;
use core::cell::Cell;
use core::ffi::{c_char, c_int, c_void, CStr};
use core::mem::{offset_of, size_of};
use core::ptr;
use libc::addrinfo;

/// The longest name that can be looked up, in ASCII and with its NUL.
const HOST_SIZE: usize = 256;

#[repr(C)]
pub(super) struct AddrInfo {
    request: Request,
    loop_: Cell<*mut uv_loop_t>,
    work: Work,
    callback: Cell<uv_getaddrinfo_cb>,
    /// Copies, in one block and in this order, from `submit` until `done`. NULL if not given.
    hints: Cell<*mut addrinfo>,
    host: Cell<*mut c_char>,
    service: Cell<*mut c_char>,
    addresses: Cell<*mut addrinfo>,
    retcode: Cell<c_int>,
    end: Padding<4>,
}

overlay!(AddrInfo {
    request, loop_, work, callback, hints, host, service, addresses, retcode, end
} => uv_getaddrinfo_t);
const _: () = {
    assert!(offset_of!(AddrInfo, loop_) == offset_of!(uv_getaddrinfo_t, r#loop));
    assert!(offset_of!(AddrInfo, work) == offset_of!(uv_getaddrinfo_t, work_req));
    assert!(offset_of!(AddrInfo, addresses) == offset_of!(uv_getaddrinfo_t, addrinfo));
    assert!(offset_of!(AddrInfo, retcode) == offset_of!(uv_getaddrinfo_t, retcode));
};

/// The arguments of a look-up.
#[derive(Clone, Copy)]
struct Query<'a> {
    host: Option<&'a CStr>,
    service: Option<&'a CStr>,
    hints: Option<&'a addrinfo>,
}

/// Copies a string to `at` and advances `at` past the copy. Returns the copy, NULL if there is no
/// string.
///
/// # Safety
/// There is room for the string at `at`.
unsafe fn copy_string(string: Option<&CStr>, at: &mut *mut c_char) -> *mut c_char {
    let Some(string) = string else { return ptr::null_mut() };
    let bytes = string.to_bytes_with_nul();
    let copy = *at;
    // SAFETY: as documented.
    unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr().cast(), copy, bytes.len());
        *at = copy.add(bytes.len());
    }
    copy
}

pub const OFFSETS: layout::GetAddrInfoOffsets = offsets!(
    GetAddrInfoOffsets,
    AddrInfo { loop_: loop_, callback: callback, host: host, service: service, work: work }
);

impl AddrInfo {
    /// Copies the query into one block, which the request owns.
    fn copy_query(&self, query: Query<'_>) -> Result {
        let length = |string: Option<&CStr>| string.map_or(0, |s| s.to_bytes_with_nul().len());
        // getaddrinfo() has defaults for no hints that differ from empty hints.
        let hints = query.hints.map_or(0, |_| size_of::<addrinfo>());
        let size = hints + length(query.host) + length(query.service);
        let block = memory::malloc(size)?;
        if let Some(&hints) = query.hints {
            self.hints.set(block.cast().as_ptr());
            // SAFETY: the block begins with room for them, and malloc aligns it.
            unsafe { self.hints.get().write(hints) };
        }
        // SAFETY: the block has room for both strings after the hints.
        unsafe {
            let mut at = block.as_ptr().cast::<c_char>().add(hints);
            self.host.set(copy_string(query.host, &mut at));
            self.service.set(copy_string(query.service, &mut at));
        }
        Ok(())
    }

    fn release_query(&self) {
        let hints: *mut c_void = self.hints.replace(ptr::null_mut()).cast();
        let host = self.host.replace(ptr::null_mut()).cast();
        let service = self.service.replace(ptr::null_mut()).cast();
        let first = [hints, host, service].into_iter().find(|copy| !copy.is_null());
        // SAFETY: NULL, or the block of `copy_query`.
        unsafe { memory::free(first.unwrap_or(ptr::null_mut())) };
    }

    /// # Safety
    /// The arguments are NULL or as in [`Query`].
    unsafe fn look_up(&self, host: *const c_char, service: *const c_char, hints: *const addrinfo) {
        // SAFETY: as documented.
        match unsafe { sys::resolver::addresses(host, service, hints) } {
            Ok(list) => self.addresses.set(list),
            Err(error) => self.retcode.set(error.code()),
        }
    }
}

// SAFETY: `OFFSET` is that of the work, and the fields are `Cell`s.
unsafe impl PoolRequest for AddrInfo {
    const OFFSET: usize = offset_of!(AddrInfo, work);
    const KIND: layout::Work = layout::Work::LookUp;
    const CALLBACK: layout::Callback = layout::Callback::GetAddrInfo;
    const SLOW: bool = true;

    fn submitted(&self) -> &Cell<u64> {
        &self.request.began
    }

    fn run(&self) {
        // SAFETY: `copy_query` made the copies.
        unsafe { self.look_up(self.host.get(), self.service.get(), self.hints.get()) };
    }

    fn done(&self, status: Result) {
        self.release_query();
        if status.is_err() {
            self.retcode.set(Error::EAI_CANCELED.code());
        }
        if let Some(callback) = self.callback.get() {
            let request = ptr::from_ref(self).cast_mut().cast();
            let (code, list) = (self.retcode.get(), self.addresses.get());
            // SAFETY: a loop with requests is not closed.
            let loop_ = unsafe { Loop::of(self.loop_.get()) };
            // SAFETY: the user's function, called with the request that it was given for.
            call_user(loop_, Callback::GetAddrInfo, self, callback as *const (), || unsafe {
                callback(request, code, list)
            });
        }
    }
}

/// Finds the addresses of a host, of a service, or of both: getaddrinfo(3). A host name that is not
/// ASCII must be UTF-8 and is converted as an international domain name.
///
/// With a callback the look-up runs on the thread pool, and the callback gets the list, or NULL and
/// an error; all arguments are copied. Without a callback the call blocks, and the list is in
/// `req->addrinfo`. The caller frees the list with `uv_freeaddrinfo()`.
///
/// Returns 0; `UV_EINVAL` if `req` is NULL, if both `node` and `service` are, or for a host name
/// that is empty, not UTF-8 or longer than 255 bytes in ASCII; `UV_ENOMEM`; without a callback also
/// the error of the look-up, such as `UV_EAI_NONAME`. With a callback: loop thread only.
/// See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getaddrinfo>.
///
/// # Safety
/// `node` and `service` are NULL or strings; with a callback `loop` is an initialised loop and `req`
/// is alive and in place until it is called.
#[no_mangle]
pub unsafe extern "C" fn uv_getaddrinfo(
    r#loop: *mut uv_loop_t,
    req: *mut uv_getaddrinfo_t,
    getaddrinfo_cb: uv_getaddrinfo_cb,
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
) -> c_int {
    if req.is_null() || (node.is_null() && service.is_null()) {
        return Error::EINVAL.code();
    }
    let mut ascii = [0; HOST_SIZE];
    let mut host = None;
    if !node.is_null() {
        // SAFETY: as documented.
        match idna::to_ascii(unsafe { CStr::from_ptr(node) }.to_bytes(), &mut ascii) {
            Ok(name) => host = Some(name),
            Err(error) => return error.code(),
        }
    }
    let request = req.cast::<AddrInfo>();
    // SAFETY: as documented.
    unsafe {
        Request::init(request, UV_GETADDRINFO, |request| AddrInfo {
            request,
            loop_: Cell::new(r#loop),
            work: Work::new(),
            callback: Cell::new(getaddrinfo_cb),
            hints: Cell::new(ptr::null_mut()),
            host: Cell::new(ptr::null_mut()),
            service: Cell::new(ptr::null_mut()),
            addresses: Cell::new(ptr::null_mut()),
            retcode: Cell::new(0),
            end: padding(),
        });
        let request = &*request;
        if getaddrinfo_cb.is_none() {
            request.look_up(host.map_or(ptr::null(), CStr::as_ptr), service, hints);
            return request.retcode.get();
        }
        let service = (!service.is_null()).then(|| CStr::from_ptr(service));
        request
            .copy_query(Query { host, service, hints: hints.as_ref() })
            .and_then(|()| Loop::of(r#loop).submit(request))
            .inspect_err(|_| request.release_query())
            .into_c()
    }
}

/// Frees a list of addresses that `uv_getaddrinfo()` made. NULL is allowed. Any thread.
///
/// See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_freeaddrinfo>.
///
/// # Safety
/// `ai` is NULL or such a list, and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn uv_freeaddrinfo(ai: *mut addrinfo) {
    if !ai.is_null() {
        // SAFETY: as documented.
        unsafe { sys::resolver::free(ai) };
    }
}
