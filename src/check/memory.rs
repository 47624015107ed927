//! Check values in the memory of handles and requests, at places that neither the library nor the program uses.
//!
//! They are made from the address, so that a copy is recognised. `free()` overwrites the second word of a
//! block, where a handle has its loop and a request its type.

use crate::abi::*;
use core::mem::offset_of;
use core::ptr;

const KEY: u64 = 0xa3c5_9b72_e60d_481f;

/// How much of a request is looked at.
pub const REQUEST: usize = 48;
/// The size of the largest handle.
const LARGEST: usize = size_of::<uv_any_handle>();

/// Places of four and eight bytes.
struct Places {
    halves: &'static [usize],
    words: &'static [usize],
}

const HANDLE_PLACES: Places = Places {
    halves: &[offset_of!(uv_handle_t, r#type) + 4, offset_of!(uv_handle_t, flags) + 4],
    words: &[offset_of!(uv_handle_t, u) + 16, offset_of!(uv_handle_t, u) + 24],
};
const REQUEST_PLACES: Places = Places {
    halves: &[offset_of!(uv_req_t, r#type) + 4],
    words: &[
        offset_of!(uv_req_t, reserved) + 8,
        offset_of!(uv_req_t, reserved) + 16,
        offset_of!(uv_req_t, reserved) + 24,
    ],
};

/// Returns whether these bytes of a handle at `at` are as `mark_closed` left them.
pub fn is_marked_closed(at: usize, bytes: &[u8]) -> bool {
    HANDLE_PLACES.words.iter().all(|&offset| read_u64(bytes, offset) == !word(at, offset))
}

/// The constant part of the memory of a handle or request.
#[derive(Clone, Copy)]
pub enum Shape {
    /// The loop and type of a handle, and where the struct of its C type ends and the library's does.
    Handle {
        loop_: usize,
        kind: uv_handle_type,
        used: usize,
        size: usize,
    },
    Request {
        kind: uv_req_type,
    },
}

fn word(at: usize, offset: usize) -> u64 {
    KEY.rotate_left(offset as u32) ^ at as u64
}

impl Shape {
    pub fn handle(loop_: usize, kind: uv_handle_type, used: usize) -> Shape {
        let size = handle_type(kind).map_or(used, |info| info.size);
        Shape::Handle { loop_, kind, used: used.next_multiple_of(8), size }
    }

    /// Returns how many bytes are looked at.
    pub fn size(&self) -> usize {
        match *self {
            Shape::Handle { size, .. } => size,
            Shape::Request { .. } => REQUEST,
        }
    }

    /// Returns the offsets of four bytes, and those of eight.
    fn places(&self) -> (&'static [usize], impl Iterator<Item = usize> + use<>) {
        let (places, tail) = match *self {
            Shape::Handle { used, size, .. } => (&HANDLE_PLACES, used..size),
            Shape::Request { .. } => (&REQUEST_PLACES, 0..0),
        };
        let end = tail.end;
        let tail = tail.step_by(8).filter(move |offset| offset + 8 <= end);
        (places.halves, places.words.iter().copied().chain(tail))
    }

    /// Writes the check values.
    ///
    /// # Safety
    /// This is the shape of the handle or request at `at`.
    pub unsafe fn write(&self, at: usize) {
        let memory = ptr::with_exposed_provenance_mut::<u8>(at);
        let (halves, words) = self.places();
        // SAFETY: the places are in the struct, as documented.
        unsafe {
            for &offset in halves {
                memory.add(offset).cast::<u32>().write_unaligned(word(at, offset) as u32);
            }
            for offset in words {
                memory.add(offset).cast::<u64>().write_unaligned(word(at, offset));
            }
        }
    }

    /// Changes the check values of a handle that is about to be closed.
    ///
    /// # Safety
    /// As for `write`.
    pub unsafe fn mark_closed(&self, at: usize) {
        let memory = ptr::with_exposed_provenance_mut::<u8>(at);
        for &offset in HANDLE_PLACES.words {
            // SAFETY: as documented.
            unsafe { memory.add(offset).cast::<u64>().write_unaligned(!word(at, offset)) };
        }
    }

    /// Returns whether these bytes of the memory at `at` are as they were written.
    pub fn is_intact(&self, at: usize, bytes: &[u8]) -> bool {
        let half = |offset: usize| u64::from(read_u32(bytes, offset));
        let fixed = match *self {
            Shape::Handle { loop_, kind, .. } => {
                read_u64(bytes, offset_of!(uv_handle_t, r#loop)) == loop_ as u64
                    && half(offset_of!(uv_handle_t, r#type)) == u64::from(kind)
            }
            Shape::Request { kind } => half(offset_of!(uv_req_t, r#type)) == u64::from(kind),
        };
        let (halves, mut words) = self.places();
        fixed
            && halves.iter().all(|&offset| half(offset) == word(at, offset) & 0xffff_ffff)
            && words.all(|offset| read_u64(bytes, offset) == word(at, offset))
    }
}

fn read_u32(bytes: &[u8], offset: usize) -> u32 {
    bytes[offset..].first_chunk().map_or(0, |chunk| u32::from_ne_bytes(*chunk))
}

fn read_u64(bytes: &[u8], offset: usize) -> u64 {
    bytes[offset..].first_chunk().map_or(0, |chunk| u64::from_ne_bytes(*chunk))
}

/// Returns whether a handle is at `at` that is neither closed nor overwritten.
///
/// # Safety
/// The memory of a handle is readable.
pub unsafe fn is_marked_open(at: usize) -> bool {
    // SAFETY: as documented.
    HANDLE_PLACES.words.iter().all(|&offset| unsafe { word_at(at, offset) == word(at, offset) })
}

/// # Safety
/// The memory is readable.
unsafe fn word_at(at: usize, offset: usize) -> u64 {
    // SAFETY: as documented.
    unsafe { ptr::with_exposed_provenance::<u64>(at + offset).read_unaligned() }
}

/// Reads memory that may not be there.
pub fn read(at: usize, length: usize) -> Option<Bytes> {
    let mut bytes = Bytes { bytes: [0; LARGEST], length: length.min(LARGEST) };
    read_all(core::slice::from_ref(&(at, bytes.length)), &mut bytes.bytes).eq(&1).then_some(bytes)
}

/// Returns whether there is a handle whose fields are all zero, except for that of the user.
pub fn is_zero_handle(at: usize) -> bool {
    let fields = offset_of!(uv_handle_t, r#loop)..size_of::<uv_handle_t>();
    let bytes = read(at, fields.end);
    bytes.is_some_and(|bytes| bytes.get()[fields].iter().all(|&byte| byte == 0))
}

/// Bytes that were read.
pub struct Bytes {
    bytes: [u8; LARGEST],
    length: usize,
}

impl Bytes {
    pub fn get(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Returns the address of the handle that these bytes are a copy of.
    pub fn origin(&self) -> Option<usize> {
        let [first, second, ..] = *HANDLE_PLACES.words else { return None };
        let origin = read_u64(&self.bytes, first) ^ word(0, first);
        (read_u64(&self.bytes, second) == word(origin as usize, second)).then_some(origin as usize)
    }
}

/// The most places that are read at once.
pub const BATCH: usize = 32;
pub type Buffer = [u8; BATCH * LARGEST];

/// Reads the memory of these addresses and lengths, one after the other. Returns how many of them are readable
/// before the first that is not.
pub fn read_all(places: &[(usize, usize)], to: &mut [u8]) -> usize {
    const NONE: libc::iovec = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
    let mut remote = [NONE; BATCH];
    for (entry, &(at, length)) in remote.iter_mut().zip(places) {
        *entry = libc::iovec { iov_base: ptr::with_exposed_provenance_mut(at), iov_len: length };
    }
    let local = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let count = places.len().min(BATCH) as libc::c_ulong;
    // SAFETY: `local` is writable, and the kernel checks what is remote.
    let got = unsafe {
        libc::process_vm_readv(libc::getpid(), &raw const local, 1, remote.as_ptr(), count, 0)
    };
    let Ok(mut got) = usize::try_from(got) else {
        return if errno() == libc::EFAULT { 0 } else { copy_all(places, to) };
    };
    let is_read = |&&(_, length): &&(usize, usize)| {
        let whole = length <= got;
        got = got.saturating_sub(length);
        whole
    };
    places.iter().take(BATCH).take_while(is_read).count()
}

fn errno() -> i32 {
    // SAFETY: the location is valid in every thread.
    unsafe { *libc::__errno_location() }
}

/// Copies the memory where the kernel does not allow to read it carefully.
#[cold]
fn copy_all(places: &[(usize, usize)], mut to: &mut [u8]) -> usize {
    for &(at, length) in places {
        let (first, rest) = to.split_at_mut(length.min(to.len()));
        // SAFETY: the memory is that of a handle or request, which the program has promised to keep.
        unsafe {
            ptr::copy_nonoverlapping(
                ptr::with_exposed_provenance(at),
                first.as_mut_ptr(),
                first.len(),
            );
        }
        to = rest;
    }
    places.len()
}
