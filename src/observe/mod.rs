//! Looking into the library from outside of the process.
//!
//! [`layout`] is what readers know; they include that file. The description of the library's structs,
//! `oxuv_debug`, is made in `src/describe.rs`, above the modules that it describes.

// Readers use the rest.
#[allow(dead_code)]
pub mod layout;

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::AtomicU32;
use layout::Page;

/// What is on: `layout::active`. Not 0 only while someone looks. In a section with contents, as the kernel
/// finds the semaphore of a probe through the file.
#[link_section = ".probes"]
pub static ACTIVE: AtomicU32 = AtomicU32::new(0);

/// The page, zeroed until it is used.
pub struct PageMemory(#[allow(dead_code)] UnsafeCell<MaybeUninit<Page>>);

// SAFETY: each part of it is written by one thread, and read by other processes only.
unsafe impl Sync for PageMemory {}

pub static PAGE: PageMemory = PageMemory(UnsafeCell::new(MaybeUninit::zeroed()));

/// The offsets of fields, as one of the structs of [`layout`].
macro_rules! offsets {
    ($offsets:ident, $type:ty { $($name:ident: $($field:ident).+),+ $(,)? }) => {
        crate::observe::layout::$offsets {
            $($name: core::mem::offset_of!($type, $($field).+) as u32),+
        }
    };
}
pub(crate) use offsets;
