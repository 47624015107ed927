//! The C boundary: structs of ours over C's, calls of the user's callbacks, results written to C memory.

use crate::abi::{Error, Result};
use core::cell::{Cell, UnsafeCell};
use core::ffi::c_int;
use core::marker::PhantomPinned;
use core::mem::MaybeUninit;
use core::sync::atomic::AtomicU32;

/// A type all of whose bytes may change behind a shared reference, padding included.
///
/// A reference to such a type neither assumes that the memory keeps its value nor that it stays
/// allocated: the user may free a handle in its close callback while a method of it is on the stack.
///
/// # Safety
/// Every byte of the type is in an `UnsafeCell`.
pub unsafe trait InteriorMutable {}

// SAFETY: these are transparent wrappers of `UnsafeCell`.
unsafe impl<T> InteriorMutable for Cell<T> {}
// SAFETY: as above.
unsafe impl<T> InteriorMutable for UnsafeCell<T> {}
// SAFETY: as above.
unsafe impl InteriorMutable for AtomicU32 {}
// SAFETY: it has no bytes.
unsafe impl InteriorMutable for PhantomPinned {}

/// Stands for padding in an interior-mutable struct.
pub type Padding<const N: usize> = Cell<MaybeUninit<[u8; N]>>;

pub const fn padding<const N: usize>() -> Padding<N> {
    Cell::new(MaybeUninit::uninit())
}

/// Declares that a struct with these fields is interior-mutable, and checks it.
macro_rules! interior_mutable {
    ($type:ident { $($field:ident),+ $(,)? }) => {
        // SAFETY: the fields are, and there is no padding: their sizes add up to the struct's.
        unsafe impl crate::ffi::InteriorMutable for $type {}
        const _: () = {
            const fn size<F: crate::ffi::InteriorMutable>(_: fn(&$type) -> &F) -> usize {
                core::mem::size_of::<F>()
            }
            assert!(core::mem::size_of::<$type>() == 0 $(+ size(|this| &this.$field))+);
        };
    };
}
pub(crate) use interior_mutable;

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

/// Declares the overlay of a C struct, and that it fits. With its fields, the struct is declared as
/// interior-mutable, too.
macro_rules! overlay {
    ($type:ident { $($field:ident),+ $(,)? } => $c:ty) => {
        crate::ffi::interior_mutable!($type { $($field),+ });
        crate::ffi::overlay!($type => $c);
    };
    ($type:ty => $c:ty) => {
        // SAFETY: the struct is `repr(C)` and interior-mutable; size and alignment are asserted below,
        // public offsets beside the struct.
        unsafe impl crate::ffi::Overlay<$c> for $type {}
        const _: () = {
            const fn is_interior_mutable<T: crate::ffi::InteriorMutable>() {}
            is_interior_mutable::<$type>();
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
