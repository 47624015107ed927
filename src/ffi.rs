//! The C boundary: structs of ours over C's, calls of the user's callbacks, results written to C memory.

use crate::abi::{Error, Result};
use crate::check::{self, Subject};
use crate::observe::layout::Callback;
use crate::observe::{self, Caller};
use core::cell::{Cell, UnsafeCell};
use core::ffi::{c_char, c_int, CStr};
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
// SAFETY: it is `UnsafeCell`.
unsafe impl<T> InteriorMutable for UnsafeCell<T> {}
// SAFETY: a transparent wrapper of `UnsafeCell`.
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
pub unsafe trait Overlay<C: Subject>: Sized {
    /// # Safety
    /// `pointer` is a live `C` that the matching init function has initialised and that no close
    /// callback has been given back to the user for.
    unsafe fn of<'a>(pointer: *const C) -> &'a Self {
        check::entered(pointer);
        // SAFETY: as documented here and for the trait.
        unsafe { &*pointer.cast::<Self>() }
    }

    /// Like [`Overlay::of`], in a function that other threads may call while the loop runs.
    ///
    /// # Safety
    /// As for `of`.
    unsafe fn of_any_thread<'a>(pointer: *const C) -> &'a Self {
        check::entered_any_thread(pointer);
        // SAFETY: as documented here and for the trait.
        unsafe { &*pointer.cast::<Self>() }
    }

    /// Like [`Overlay::of`], in a function that stops something. Programs call these for closed handles that they
    /// have not freed.
    ///
    /// # Safety
    /// As for `of`.
    unsafe fn of_stopping<'a>(pointer: *const C) -> &'a Self {
        check::entered_stopping(pointer);
        // SAFETY: as documented here and for the trait.
        unsafe { &*pointer.cast::<Self>() }
    }

    /// Like [`Overlay::of`], in a function that only reads. Programs call these from other threads, and for
    /// closed handles that they have not freed.
    ///
    /// # Safety
    /// As for `of`.
    unsafe fn of_reading<'a>(pointer: *const C) -> &'a Self {
        check::entered_reading(pointer);
        // SAFETY: as documented here and for the trait.
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

/// A handle or request, by reference or pointer.
pub trait Object {
    fn address(self) -> *const ();
}

impl<T> Object for &T {
    fn address(self) -> *const () {
        core::ptr::from_ref(self).cast()
    }
}

impl<T> Object for *const T {
    fn address(self) -> *const () {
        self.cast()
    }
}

impl<T> Object for *mut T {
    fn address(self) -> *const () {
        self.cast_const().cast()
    }
}

/// Calls a callback of the user, on the thread of a loop: one of this kind, for this handle or request.
/// `function` is the user's, which `callback` calls.
///
/// Every callback of a loop is called through this function, so that statistics, tracing and checks have one
/// place. Nothing accesses the object after the callback.
#[inline(always)]
pub fn call_user<R>(
    caller: &impl Caller,
    kind: Callback,
    object: impl Object,
    function: *const (),
    callback: impl FnOnce() -> R,
) -> R {
    let object = object.address();
    caller.set_current(object.addr() as u64 | kind.tag());
    if observe::is_active() {
        call_observed(caller, kind, object, function, callback)
    } else {
        call_unobserved(object, function, callback)
    }
}

/// Calls an `alloc_cb`. Readers find that it runs, but it is not reported: it is short and comes with each read,
/// whose callback's time includes its own.
#[inline(always)]
pub fn call_alloc<R>(
    caller: &impl Caller,
    object: impl Object,
    function: *const (),
    callback: impl FnOnce() -> R,
) -> R {
    let object = object.address();
    caller.set_current(object.addr() as u64 | Callback::Alloc.tag());
    call_unobserved(object, function, callback)
}

/// As [`call_user`], while someone looks. No frame here owns anything: the callback may leave it by an
/// exception.
// Inlined, or the arguments of the callback would be stored for it before the branch.
#[inline(always)]
pub fn call_observed<R>(
    caller: &impl Caller,
    kind: Callback,
    object: *const (),
    function: *const (),
    callback: impl FnOnce() -> R,
) -> R {
    let call = caller.observer().callback_begin(kind, object, function);
    let result = call_unobserved(object, function, callback);
    // The caller is the loop, which outlives its callbacks.
    caller.observer().callback_end(&call);
    result
}

/// As [`call_user`], for a caller that asks once for several callbacks whether someone looks, and where
/// readers find what runs in another place. Also for the threads of the pool, which report their work.
#[inline(always)]
pub fn call_unobserved<R>(
    object: impl Object,
    function: *const (),
    callback: impl FnOnce() -> R,
) -> R {
    let object = object.address().addr();
    let checked = check::before_callback(object);
    let result = callback();
    check::after_callback(object, function.addr(), checked);
    result
}

/// Copies an address to C memory, truncated to `*namelen` bytes, and stores its size.
///
/// # Safety
/// `name` has room for `*namelen` bytes.
pub unsafe fn write_address(
    address: Result<(libc::sockaddr_storage, usize)>,
    name: *mut libc::sockaddr,
    namelen: *mut c_int,
) -> Result {
    let (storage, length) = address?;
    // SAFETY: as documented; the length is at most that of the storage.
    unsafe {
        let room = usize::try_from(namelen.read()).map_err(|_| Error::EINVAL)?;
        let from = core::ptr::from_ref(&storage).cast::<u8>();
        core::ptr::copy_nonoverlapping(from, name.cast::<u8>(), length.min(room));
        namelen.write(length.try_into().unwrap_or(c_int::MAX));
    }
    Ok(())
}

/// Borrows a string from C; NULL is `EINVAL`.
///
/// # Safety
/// `text` is NULL or a string that outlives the result.
pub unsafe fn text<'a>(text: *const c_char) -> Result<&'a CStr> {
    if text.is_null() {
        return Err(Error::EINVAL);
    }
    // SAFETY: as documented.
    Ok(unsafe { CStr::from_ptr(text) })
}

/// A buffer of the caller for a string, and its size. The size goes in as the number of bytes, and comes
/// out as the length of the string, or the size that is needed with `ENOBUFS`.
pub struct TextOut {
    buffer: *mut u8,
    capacity: usize,
    size: *mut usize,
}

impl TextOut {
    /// Returns `EINVAL` if a pointer is NULL or the size is 0.
    ///
    /// # Safety
    /// `size` is NULL or valid, and `buffer` is NULL or good for writing `*size` bytes, while the result is
    /// used.
    pub unsafe fn new(buffer: *mut c_char, size: *mut usize) -> Result<TextOut> {
        if buffer.is_null() || size.is_null() {
            return Err(Error::EINVAL);
        }
        // SAFETY: as documented.
        match unsafe { *size } {
            0 => Err(Error::EINVAL),
            capacity => Ok(TextOut { buffer: buffer.cast(), capacity, size }),
        }
    }

    /// Returns the buffer and how many bytes it has.
    pub fn room(&self) -> (*mut u8, usize) {
        (self.buffer, self.capacity)
    }

    pub fn set_size(&self, size: usize) {
        // SAFETY: by the contract of `new`.
        unsafe { self.size.write(size) };
    }

    /// Writes this text, which contains no NUL, and a NUL.
    pub fn put(&self, text: &[u8]) -> Result {
        // SAFETY: the text is readable.
        unsafe { self.put_overlapping(text) }
    }

    /// Like [`TextOut::put`], for a text that may be in the buffer, such as one that getenv() returned.
    ///
    /// # Safety
    /// `text` is readable.
    pub unsafe fn put_overlapping(&self, text: *const [u8]) -> Result {
        self.require_room(text.len())?;
        // SAFETY: as documented, and there is room for the text and a NUL.
        unsafe { self.write(text.cast(), text.len()) };
        Ok(())
    }

    /// Writes this text, truncated to the buffer, and a NUL.
    pub fn put_cut(&self, text: &[u8]) {
        // SAFETY: the text is readable, and there is room for the part and a NUL.
        unsafe { self.write(text.as_ptr(), text.len().min(self.capacity - 1)) };
    }

    /// # Safety
    /// `text` has `length` bytes, and the buffer has room for one more.
    unsafe fn write(&self, text: *const u8, length: usize) {
        // SAFETY: as documented.
        unsafe {
            core::ptr::copy(text, self.buffer, length);
            self.buffer.add(length).write(0);
        }
        self.set_size(length);
    }

    /// Writes the path that a handle watches; `EINVAL` and a size of 0 if there is none.
    pub fn put_path(&self, path: Option<&CStr>) -> Result {
        match path {
            Some(path) => self.put(path.to_bytes()),
            None => {
                self.set_size(0);
                Err(Error::EINVAL)
            }
        }
    }

    /// Returns `ENOBUFS` unless a text of this length fits.
    pub fn require_room(&self, length: usize) -> Result {
        if length >= self.capacity {
            self.set_size(length.saturating_add(1));
            return Err(Error::ENOBUFS);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_out_reports_what_it_needs() {
        let mut buffer = [b'#' as c_char; 8];
        let mut size = 3;
        // SAFETY: the buffer is larger than the sizes given.
        unsafe {
            let pointer = buffer.as_mut_ptr();
            assert!(TextOut::new(core::ptr::null_mut(), &raw mut size).is_err());
            assert!(TextOut::new(pointer, core::ptr::null_mut()).is_err());
            assert!(TextOut::new(pointer, &mut 0).is_err());
            let out = TextOut::new(pointer, &raw mut size);
            assert_eq!(out.unwrap_or_else(|_| unreachable!()).put(b"abc"), Err(Error::ENOBUFS));
            assert_eq!((size, buffer[0]), (4, b'#' as c_char));
            let out = TextOut::new(buffer.as_mut_ptr(), &raw mut size);
            assert_eq!(out.unwrap_or_else(|_| unreachable!()).put(b"abc"), Ok(()));
            assert_eq!(size, 3);
            assert_eq!(CStr::from_ptr(buffer.as_ptr()), c"abc");
        }
    }
}
