//! Memory for std and the crates when the system has none.
//!
//! Their allocations cannot fail: std ends the process. So the library has a global allocator that falls back
//! on a reserve of its own. Most such memory is freed again at once: text that is composed, the buffer for a
//! variable of the environment, the events of a wait. Where it is kept, as in the tables of signals,
//! [`without_reserve`] turns its use into `ENOMEM`.
//!
//! The reserve needs no lock, as the child of a fork might inherit it locked.

use crate::abi::{Error, Result};
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::mem::{size_of, MaybeUninit};
use core::ptr;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::alloc::System;

/// Blocks of one size, at most 64.
#[repr(C, align(16))]
struct Blocks<const SIZE: usize, const COUNT: usize> {
    memory: UnsafeCell<[[MaybeUninit<u8>; SIZE]; COUNT]>,
    /// A bit for each block that is in use.
    used: AtomicU64,
}

// SAFETY: a block is used by the one that set its bit.
unsafe impl<const SIZE: usize, const COUNT: usize> Sync for Blocks<SIZE, COUNT> {}

impl<const SIZE: usize, const COUNT: usize> Blocks<SIZE, COUNT> {
    const ALL: u64 = u64::MAX >> (64 - COUNT);

    const fn new() -> Self {
        let memory = UnsafeCell::new([[MaybeUninit::uninit(); SIZE]; COUNT]);
        Blocks { memory, used: AtomicU64::new(0) }
    }

    fn start(&self) -> *mut u8 {
        self.memory.get().cast()
    }

    /// Returns a block, or NULL if none is free or the blocks are too small.
    fn take(&self, layout: Layout) -> *mut u8 {
        if layout.size() > SIZE || layout.align() > 16 {
            return ptr::null_mut();
        }
        let mut used = self.used.load(Ordering::Relaxed);
        loop {
            let free = !used & Self::ALL;
            if free == 0 {
                return ptr::null_mut();
            }
            let bit = free & free.wrapping_neg();
            let taken = used | bit;
            match self.used.compare_exchange_weak(used, taken, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return self.start().wrapping_add(bit.trailing_zeros() as usize * SIZE),
                Err(now) => used = now,
            }
        }
    }

    /// Returns the index of the block that begins here, if it is one of these.
    fn index(&self, block: *mut u8) -> Option<usize> {
        let offset = block.addr().wrapping_sub(self.start().addr());
        (offset < SIZE * COUNT).then_some(offset / SIZE)
    }

    fn give_back(&self, index: usize) {
        self.used.fetch_and(!(1 << index), Ordering::Release);
    }
}

/// Falls back on the reserve.
struct Allocator;

struct Reserve {
    small: Blocks<512, 64>,
    middle: Blocks<4096, 16>,
    large: Blocks<16_384, 4>,
}

static RESERVE: Reserve =
    Reserve { small: Blocks::new(), middle: Blocks::new(), large: Blocks::new() };

/// How many blocks of the reserve were taken so far.
static TAKEN: AtomicU32 = AtomicU32::new(0);

#[cold]
fn take(layout: Layout) -> *mut u8 {
    TAKEN.fetch_add(1, Ordering::Relaxed);
    let block = RESERVE.small.take(layout);
    if !block.is_null() {
        return block;
    }
    let block = RESERVE.middle.take(layout);
    if block.is_null() {
        RESERVE.large.take(layout)
    } else {
        block
    }
}

/// Returns whether the reserve has this address. A comparison, as each place in the library that frees
/// memory of std has a copy of it.
#[inline(always)]
fn is_reserved(block: *mut u8) -> bool {
    let offset = block.addr().wrapping_sub(ptr::from_ref(&RESERVE).addr());
    offset < size_of::<Reserve>()
}

/// Returns the size of the block of the reserve that begins here, and gives it back if `free`.
#[cold]
#[inline(never)]
fn find(block: *mut u8, free: bool) -> Option<usize> {
    let found = |index: Option<usize>, size, give_back: &dyn Fn(usize)| {
        let index = index?;
        if free {
            give_back(index);
        }
        Some(size)
    };
    let Reserve { small, middle, large } = &RESERVE;
    found(small.index(block), 512, &|index| small.give_back(index))
        .or_else(|| found(middle.index(block), 4096, &|index| middle.give_back(index)))
        .or_else(|| found(large.index(block), 16_384, &|index| large.give_back(index)))
}

// SAFETY: a block has the size and the alignment that are asked for, and belongs to its owner until it is given
// back. Blocks of the system go back to the system.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the contract of the trait.
        let block = unsafe { System.alloc(layout) };
        if block.is_null() {
            take(layout)
        } else {
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_reserved(block) {
            find(block, true);
        } else {
            // SAFETY: it came from the system.
            unsafe { System.dealloc(block, layout) };
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let reserved = if is_reserved(block) { find(block, false) } else { None };
        if reserved.is_some_and(|size| new_size <= size) {
            return block;
        }
        if reserved.is_none() {
            // SAFETY: it came from the system.
            let moved = unsafe { System.realloc(block, layout, new_size) };
            if !moved.is_null() {
                return moved;
            }
        }
        // SAFETY: the contract of the trait: `new_size` is valid with this alignment. The blocks do not overlap.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[cfg(not(any(miri, loom)))]
#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Calls `make`, and fails with `ENOMEM` if a part of what it made is in the reserve. Then `undo` is called
/// with it. Another thread that uses the reserve meanwhile has the same effect.
pub fn without_reserve<T>(make: impl FnOnce() -> Result<T>, undo: impl FnOnce(T)) -> Result<T> {
    let before = TAKEN.load(Ordering::Relaxed);
    let made = make()?;
    if TAKEN.load(Ordering::Relaxed) == before {
        return Ok(made);
    }
    undo(made);
    Err(Error::ENOMEM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_taken_once_and_given_back() {
        static BLOCKS: Blocks<64, 3> = Blocks::new();
        let layout = Layout::new::<[u64; 8]>();
        let blocks: Vec<_> = (0..3).map(|_| BLOCKS.take(layout)).collect();
        let indices: Vec<_> = blocks.iter().map(|&block| BLOCKS.index(block)).collect();
        assert_eq!(indices, [Some(0), Some(1), Some(2)]);
        assert!(BLOCKS.take(layout).is_null());
        BLOCKS.give_back(1);
        assert_eq!(BLOCKS.take(layout), blocks[1]);
        assert_eq!(BLOCKS.index(blocks[2].wrapping_add(64)), None);
        assert_eq!(BLOCKS.index(blocks[0].wrapping_sub(1)), None);
    }

    #[test]
    fn blocks_that_are_too_small_are_not_taken() {
        static BLOCKS: Blocks<64, 1> = Blocks::new();
        assert!(BLOCKS.take(Layout::new::<[u64; 9]>()).is_null());
        assert!(!BLOCKS.take(Layout::new::<u8>()).is_null());
    }

    #[test]
    fn a_block_of_the_reserve_grows_by_moving() {
        let layout = Layout::new::<[u8; 500]>();
        let block = take(layout);
        assert!(is_reserved(block));
        assert_eq!(find(block, false), Some(512));
        // SAFETY: the block is used as the allocator's contract says.
        unsafe {
            block.write_bytes(7, 500);
            assert_eq!(Allocator.realloc(block, layout, 512), block);
            let moved = Allocator.realloc(block, Layout::new::<[u8; 512]>(), 5000);
            assert_ne!(moved, block);
            assert_eq!(core::slice::from_raw_parts(moved, 500), [7; 500]);
            assert!(!is_reserved(moved) && find(moved, false).is_none());
            Allocator.dealloc(moved, Layout::new::<[u8; 5000]>());
        }
    }

    #[test]
    fn what_is_in_the_reserve_is_undone() {
        assert_eq!(without_reserve(|| Ok(1), |_| unreachable!()), Ok(1));
        let layout = Layout::new::<u64>();
        let undo = |block| {
            find(block, true);
        };
        assert_eq!(without_reserve(|| Ok(take(layout)), undo).err(), Some(Error::ENOMEM));
    }
}
