//! Finding the names of an address: `uv_getnameinfo`.

use super::Request;
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, padding, Overlay, Padding};
use crate::observe::layout::Callback;
use crate::observe::{layout, offsets};
use crate::pool::{PoolRequest, Work};
use crate::sys;
use core::cell::Cell;
use core::ffi::{c_char, c_int};
use core::mem::{offset_of, MaybeUninit};
use core::ptr;
use libc::{sockaddr, sockaddr_storage};

#[repr(C)]
pub(super) struct NameInfo {
    request: Request,
    loop_: Cell<*mut uv_loop_t>,
    work: Work,
    callback: Cell<uv_getnameinfo_cb>,
    address: Cell<MaybeUninit<sockaddr_storage>>,
    flags: Cell<c_int>,
    host: Cell<MaybeUninit<[c_char; NI_MAXHOST]>>,
    service: Cell<MaybeUninit<[c_char; NI_MAXSERV]>>,
    padding: Padding<{ HOST - NI_MAXHOST }>,
    retcode: Cell<c_int>,
    end: Padding<{ (REST + HOST).next_multiple_of(8) - (REST + HOST) }>,
}

/// The size of a host name with the padding that follows the service, and that of all other fields.
const HOST: usize = NI_MAXHOST.next_multiple_of(4);
const REST: usize = 288;

overlay!(NameInfo {
    request, loop_, work, callback, address, flags, host, service, padding, retcode, end
} => uv_getnameinfo_t);
const _: () = {
    assert!(offset_of!(NameInfo, loop_) == offset_of!(uv_getnameinfo_t, r#loop));
    assert!(offset_of!(NameInfo, work) == offset_of!(uv_getnameinfo_t, work_req));
    assert!(offset_of!(NameInfo, address) == offset_of!(uv_getnameinfo_t, storage));
    assert!(offset_of!(NameInfo, host) == offset_of!(uv_getnameinfo_t, host));
    assert!(offset_of!(NameInfo, service) == offset_of!(uv_getnameinfo_t, service));
    assert!(offset_of!(NameInfo, retcode) == offset_of!(uv_getnameinfo_t, retcode));
};

pub const OFFSETS: layout::GetNameInfoOffsets = offsets!(
    GetNameInfoOffsets,
    NameInfo { loop_: loop_, callback: callback, address: address, work: work }
);

impl NameInfo {
    fn host(&self) -> *mut c_char {
        self.host.as_ptr().cast()
    }

    fn service(&self) -> *mut c_char {
        self.service.as_ptr().cast()
    }

    /// Copies the address into the request.
    ///
    /// # Safety
    /// `address` is NULL or points to as many bytes as its family has.
    unsafe fn set_address(&self, address: *const sockaddr) -> Result {
        // SAFETY: as documented; the length is that of an address that fits.
        unsafe {
            let length = sys::socket::address_length(address)? as usize;
            let copy = self.address.as_ptr().cast::<u8>();
            ptr::copy_nonoverlapping(address.cast(), copy, length);
        }
        Ok(())
    }

    fn look_up(&self) {
        let address = self.address.as_ptr().cast();
        // SAFETY: `set_address` filled the address in, so it has its length; the buffers have the
        // sizes that are passed.
        let outcome = unsafe {
            sys::socket::address_length(address).and_then(|length| {
                let host = (self.host(), NI_MAXHOST);
                let service = (self.service(), NI_MAXSERV);
                sys::resolver::names(address, length, host, service, self.flags.get())
            })
        };
        self.retcode.set(outcome.into_c());
    }
}

// SAFETY: `OFFSET` is that of the work, and the fields are `Cell`s.
unsafe impl PoolRequest for NameInfo {
    const OFFSET: usize = offset_of!(NameInfo, work);
    const KIND: layout::Work = layout::Work::LookUp;
    const CALLBACK: layout::Callback = layout::Callback::GetNameInfo;
    const SLOW: bool = true;

    fn submitted(&self) -> &Cell<u64> {
        &self.request.began
    }

    fn run(&self) {
        self.look_up();
    }

    fn done(&self, status: Result) {
        if status.is_err() {
            self.retcode.set(Error::EAI_CANCELED.code());
        }
        if let Some(callback) = self.callback.get() {
            let request = ptr::from_ref(self).cast_mut().cast();
            let code = self.retcode.get();
            let (host, service) = match code {
                0 => (self.host(), self.service()),
                _ => (ptr::null_mut(), ptr::null_mut()),
            };
            // SAFETY: a loop with requests is not closed.
            let loop_ = unsafe { Loop::of(self.loop_.get()) };
            // SAFETY: the user's function, called with the request that it was given for.
            call_user(loop_, Callback::GetNameInfo, self, callback as *const (), || unsafe {
                callback(request, code, host, service)
            });
        }
    }
}

/// Finds the names of the host and the service that an IPv4 or IPv6 address belongs to:
/// getnameinfo(3) with `flags`. The address is copied.
///
/// With a callback the look-up runs on the thread pool, and the callback gets the names, or NULL and
/// an error. Without a callback the call blocks, and the names are in `req->host` and `req->service`.
///
/// Returns 0; `UV_EINVAL` if `req` or `addr` is NULL or the address is of another family; without
/// a callback also the error of the look-up, such as `UV_EAI_NONAME`. With a callback: loop thread
/// only.
/// See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getnameinfo>.
///
/// # Safety
/// With a callback `loop` is an initialised loop and `req` is alive and in place until it is called.
#[no_mangle]
pub unsafe extern "C" fn uv_getnameinfo(
    r#loop: *mut uv_loop_t,
    req: *mut uv_getnameinfo_t,
    getnameinfo_cb: uv_getnameinfo_cb,
    addr: *const sockaddr,
    flags: c_int,
) -> c_int {
    if req.is_null() {
        return Error::EINVAL.code();
    }
    let request = req.cast::<NameInfo>();
    // SAFETY: as documented.
    unsafe {
        Request::init(request, UV_GETNAMEINFO, |request| NameInfo {
            request,
            loop_: Cell::new(r#loop),
            work: Work::new(),
            callback: Cell::new(getnameinfo_cb),
            address: Cell::new(MaybeUninit::uninit()),
            flags: Cell::new(flags),
            host: Cell::new(MaybeUninit::uninit()),
            service: Cell::new(MaybeUninit::uninit()),
            padding: padding(),
            retcode: Cell::new(0),
            end: padding(),
        });
        let request = &*request;
        if let Err(error) = request.set_address(addr) {
            return error.code();
        }
        if getnameinfo_cb.is_none() {
            request.look_up();
            return request.retcode.get();
        }
        Loop::of(r#loop).submit(request).into_c()
    }
}
