//! The C boundary: structs of ours over C's, calls of the user's callbacks, results written to C memory.

use crate::abi::{Error, Result};
use core::ffi::c_int;

/// A struct of ours that lies over the C struct `C`.
///
/// # Safety
/// `Self` is `repr(C)`, no larger than `C`, no more strictly aligned, has C's public fields at C's
/// offsets, and allows shared mutation of every field.
pub unsafe trait Overlay<C>: Sized {
    /// # Safety
    /// `pointer` is a live `C` that the matching init function has initialised and that no close
    /// callback has been given back to the user for.
    unsafe fn of<'a>(pointer: *const C) -> &'a Self {
        // SAFETY: the caller's contract and that of the trait.
        unsafe { &*pointer.cast::<Self>() }
    }
}

/// Declares the overlay of a C struct, and that it fits.
macro_rules! overlay {
    ($type:ty => $c:ty) => {
        // SAFETY: the struct is `repr(C)` with `Cell`s throughout; size and alignment are asserted
        // below, public offsets beside the struct.
        unsafe impl crate::ffi::Overlay<$c> for $type {}
        const _: () = {
            assert!(core::mem::size_of::<$type>() <= core::mem::size_of::<$c>());
            assert!(core::mem::align_of::<$type>() <= core::mem::align_of::<$c>());
        };
    };
}
pub(crate) use overlay;

/// Calls a callback of the user.
///
/// Every callback is called through this function, so that metrics, tracing and checks can be added in
/// one place.
#[inline(always)]
pub fn call_user<R>(callback: impl FnOnce() -> R) -> R {
    callback()
}

/// Copies an address to where C wants it, as much of it as there is room for, and tells its size.
///
/// # Safety
/// `name` has room for `*namelen` bytes.
pub unsafe fn write_address(
    address: Result<(libc::sockaddr_storage, usize)>,
    name: *mut libc::sockaddr,
    namelen: *mut c_int,
) -> Result {
    let (storage, length) = address?;
    // SAFETY: the caller's contract; no more is copied than a storage holds.
    unsafe {
        let room = usize::try_from(namelen.read()).map_err(|_| Error::EINVAL)?;
        let from = core::ptr::from_ref(&storage).cast::<u8>();
        core::ptr::copy_nonoverlapping(from, name.cast::<u8>(), length.min(room));
        namelen.write(length as c_int);
    }
    Ok(())
}
