//! Memory for API calls. It comes from the allocator installed by `uv_replace_allocator`, and a failure is
//! `UV_ENOMEM`, never an abort.

mod reserve;
pub use reserve::without_reserve;

use crate::abi::*;
use core::ffi::{c_char, c_int, c_void, CStr};
use core::mem::size_of;
use core::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

// The current functions. As they may be replaced only before any other call, relaxed atomics are enough.
static MALLOC: AtomicPtr<c_void> = AtomicPtr::new(libc::malloc as *mut c_void);
static REALLOC: AtomicPtr<c_void> = AtomicPtr::new(libc::realloc as *mut c_void);
static CALLOC: AtomicPtr<c_void> = AtomicPtr::new(libc::calloc as *mut c_void);
static FREE: AtomicPtr<c_void> = AtomicPtr::new(libc::free as *mut c_void);

/// Replaces the functions that the library allocates memory with.
///
/// Call it before any other function of the library, or when all memory allocated by the library has been
/// freed. It is not thread-safe.
///
/// Returns 0, or `UV_EINVAL` if a function is NULL.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_replace_allocator>.
///
/// # Safety
/// The functions behave like the C functions of the same names, and do not unwind.
#[no_mangle]
pub unsafe extern "C" fn uv_replace_allocator(
    malloc_func: uv_malloc_func,
    realloc_func: uv_realloc_func,
    calloc_func: uv_calloc_func,
    free_func: uv_free_func,
) -> c_int {
    let (Some(malloc), Some(realloc), Some(calloc), Some(free)) =
        (malloc_func, realloc_func, calloc_func, free_func)
    else {
        return Error::EINVAL.code();
    };
    MALLOC.store(malloc as *mut c_void, Ordering::Relaxed);
    REALLOC.store(realloc as *mut c_void, Ordering::Relaxed);
    CALLOC.store(calloc as *mut c_void, Ordering::Relaxed);
    FREE.store(free as *mut c_void, Ordering::Relaxed);
    0
}

/// Allocates `size` bytes of uninitialised memory, at least one, so that the result is unique.
pub fn malloc(size: usize) -> Result<NonNull<c_void>> {
    // SAFETY: only functions of this type are ever stored in MALLOC.
    let f: unsafe extern "C" fn(usize) -> *mut c_void =
        unsafe { core::mem::transmute(MALLOC.load(Ordering::Relaxed)) };
    // SAFETY: takes an integer.
    NonNull::new(unsafe { f(size.max(1)) }).ok_or(Error::ENOMEM)
}

/// Allocates zeroed memory for `count` objects of `size` bytes.
pub fn calloc(count: usize, size: usize) -> Result<NonNull<c_void>> {
    // SAFETY: only functions of this type are ever stored in CALLOC.
    let f: unsafe extern "C" fn(usize, usize) -> *mut c_void =
        unsafe { core::mem::transmute(CALLOC.load(Ordering::Relaxed)) };
    // SAFETY: takes integers.
    NonNull::new(unsafe { f(count.max(1), size.max(1)) }).ok_or(Error::ENOMEM)
}

/// Resizes a block; on failure the old block stays valid.
///
/// # Safety
/// `block` is NULL or came from this module.
pub unsafe fn realloc(block: *mut c_void, size: usize) -> Result<NonNull<c_void>> {
    // SAFETY: only functions of this type are ever stored in REALLOC.
    let f: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void =
        unsafe { core::mem::transmute(REALLOC.load(Ordering::Relaxed)) };
    // SAFETY: as documented.
    NonNull::new(unsafe { f(block, size.max(1)) }).ok_or(Error::ENOMEM)
}

/// Frees a block; NULL is allowed. Preserves `errno`, as callers free on error paths.
///
/// # Safety
/// `block` is NULL or came from this module, and is not used afterwards.
#[inline(always)]
pub unsafe fn free(block: *mut c_void) {
    if !block.is_null() {
        // SAFETY: as documented.
        unsafe { free_block(block) };
    }
}

/// # Safety
/// `block` came from this module, and is not used afterwards.
#[inline(never)]
unsafe fn free_block(block: *mut c_void) {
    // SAFETY: only functions of this type are ever stored in FREE.
    let f: unsafe extern "C" fn(*mut c_void) =
        unsafe { core::mem::transmute(FREE.load(Ordering::Relaxed)) };
    let errno = errno();
    // SAFETY: as documented.
    unsafe { f(block) };
    set_errno(errno);
}

/// Copies a C string to memory that [`free`] releases.
pub fn duplicate(text: &CStr) -> Result<NonNull<c_char>> {
    let bytes = text.to_bytes_with_nul();
    let copy = malloc(bytes.len())?.cast::<c_char>();
    // SAFETY: `copy` has room for `bytes`, and a new block does not overlap them.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr().cast(), copy.as_ptr(), bytes.len()) };
    Ok(copy)
}

/// A growable array of plain values, whose growth can fail instead of aborting.
///
/// `std`'s `Vec` cannot use C's allocator on stable Rust.
pub struct Array<T: Copy> {
    block: *mut T,
    len: usize,
    capacity: usize,
}

impl<T: Copy> Array<T> {
    pub const fn new() -> Self {
        Array { block: ptr::null_mut(), len: 0, capacity: 0 }
    }

    /// Makes room for `additional` more values.
    pub fn reserve(&mut self, additional: usize) -> Result {
        let needed = self.len.checked_add(additional).ok_or(Error::ENOMEM)?;
        if needed <= self.capacity {
            return Ok(());
        }
        self.resize_block(needed.max(self.capacity.saturating_mul(2)).max(8))
    }

    #[inline(never)]
    fn resize_block(&mut self, capacity: usize) -> Result {
        let bytes = capacity.checked_mul(size_of::<T>()).ok_or(Error::ENOMEM)?;
        const { assert!(align_of::<T>() <= 16, "the alignment of malloc") };
        // SAFETY: `block` is NULL or came from `realloc`, and this is its only pointer.
        self.block = unsafe { realloc(self.block.cast(), bytes)? }.as_ptr().cast();
        self.capacity = capacity;
        Ok(())
    }

    /// Appends a value; fails only if memory cannot be allocated.
    pub fn push(&mut self, value: T) -> Result {
        self.reserve(1)?;
        // SAFETY: `reserve` made room for one more value.
        unsafe { self.block.add(self.len).write(value) };
        self.len += 1;
        Ok(())
    }

    /// Appends all values, or none if memory cannot be allocated.
    pub fn extend_from_slice(&mut self, values: &[T]) -> Result {
        self.reserve(values.len())?;
        // SAFETY: `reserve` made room for the values. They are not in the block, which `self` borrows
        // uniquely.
        unsafe {
            ptr::copy_nonoverlapping(values.as_ptr(), self.block.add(self.len), values.len());
        }
        self.len += values.len();
        Ok(())
    }

    /// Drops the values after the first `len`, or appends copies of `value`.
    pub fn resize(&mut self, len: usize, value: T) -> Result {
        self.reserve(len.saturating_sub(self.len))?;
        while self.len < len {
            self.push(value)?;
        }
        self.len = len;
        Ok(())
    }

    pub fn pop(&mut self) -> Option<T> {
        let last = self.last().copied()?;
        self.len -= 1;
        Some(last)
    }
}

impl<T: Copy> core::ops::Deref for Array<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        if self.block.is_null() {
            return &[];
        }
        // SAFETY: the first `len` values of the block are initialised.
        unsafe { core::slice::from_raw_parts(self.block, self.len) }
    }
}

impl<T: Copy> core::ops::DerefMut for Array<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        if self.block.is_null() {
            return &mut [];
        }
        // SAFETY: as in `deref`; `&mut self` makes the reference unique.
        unsafe { core::slice::from_raw_parts_mut(self.block, self.len) }
    }
}

impl<T: Copy> Drop for Array<T> {
    fn drop(&mut self) {
        // SAFETY: `block` is NULL or came from `realloc`, and `self` is its owner.
        unsafe { free(self.block.cast()) };
    }
}

#[cfg(test)]
mod tests {
    use super::Array;

    #[test]
    fn array_grows() {
        let mut array = Array::new();
        assert!(array.is_empty());
        for n in 0..1000usize {
            array.push(n).unwrap();
        }
        assert!(array.iter().copied().eq(0..1000));
        assert_eq!(array.pop(), Some(999));
        assert_eq!(array.len(), 999);
    }
}
