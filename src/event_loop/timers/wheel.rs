//! A timing wheel: a slot for each of the next periods of time, and a bitmap of those in use.

use crate::memory;
use core::cell::Cell;
use core::mem::size_of;
use core::ptr;

const WORDS: usize = u32::BITS as usize;
pub const SLOTS: usize = WORDS * u64::BITS as usize;

/// The timers of one period.
///
/// # Safety
/// Zeroed memory is an empty slot.
pub unsafe trait Slot {
    fn is_empty(&self) -> bool;
}

struct Ring<T> {
    /// A bit for each slot that may have elements. Stopping a timer does not clear it.
    occupied: [Cell<u64>; WORDS],
    /// A bit for each word of `occupied` that may be non-zero.
    words: Cell<u32>,
    slots: [T; SLOTS],
}

impl<T: Slot> Ring<T> {
    /// Returns the first slot with elements, from `start` on and then from the beginning.
    fn first_from(&self, start: usize) -> Option<usize> {
        let (word, bit) = (start / 64, start % 64);
        loop {
            let (word, bits) = match self.occupied[word].get() & (u64::MAX << bit) {
                0 => {
                    // The words after this one, and last this one again, for the slots before `bit`.
                    let others = self.words.get().rotate_right(word as u32 + 1);
                    if others == 0 {
                        return None;
                    }
                    let word = (word + 1 + others.trailing_zeros() as usize) % WORDS;
                    (word, self.occupied[word].get())
                }
                bits => (word, bits),
            };
            let slot = word * 64 + bits.trailing_zeros() as usize;
            if bits == 0 {
                self.words.set(self.words.get() & !(1 << word));
            } else if self.slots[slot].is_empty() {
                self.occupied[word].set(self.occupied[word].get() & !(1 << (slot % 64)));
            } else {
                return Some(slot);
            }
        }
    }
}

/// The `SLOTS` periods of 2^`SHIFT` milliseconds before `horizon`.
pub struct Wheel<T, const SHIFT: u32> {
    /// NULL until it is allocated. It does not move, as lists must not.
    ring: Cell<*const Ring<T>>,
    horizon: Cell<u64>,
}

impl<T: Slot, const SHIFT: u32> Wheel<T, SHIFT> {
    pub const fn new() -> Self {
        Wheel { ring: Cell::new(ptr::null()), horizon: Cell::new(0) }
    }

    fn ring(&self) -> Option<&Ring<T>> {
        // SAFETY: NULL, or allocated by `make` and freed by `drop`.
        unsafe { self.ring.get().as_ref() }
    }

    /// Allocates the wheel, which may fail. Until then its horizon is 0.
    pub fn make(&self) {
        if let (None, Ok(block)) = (self.ring(), memory::calloc(1, size_of::<Ring<T>>())) {
            self.ring.set(block.cast().as_ptr());
        }
    }

    pub fn is_made(&self) -> bool {
        self.ring().is_some()
    }

    /// Returns the first time after the wheel's periods.
    pub fn horizon(&self) -> u64 {
        self.horizon.get()
    }

    /// Moves the horizon. The wheel must be empty up to `SLOTS` periods before it.
    pub fn turn(&self, horizon: u64) {
        if self.is_made() {
            self.horizon.set(horizon);
        }
    }

    fn index(time: u64) -> usize {
        (time >> SHIFT) as usize % SLOTS
    }

    /// Returns the slot for the due time, which is not before the wheel's first period, or `None` if it is
    /// not before the horizon.
    pub fn slot(&self, due: u64) -> Option<&T> {
        self.ring().filter(|_| due < self.horizon()).map(|ring| &ring.slots[Self::index(due)])
    }

    /// Returns the slot as [`Wheel::slot`] does, and marks it as in use.
    pub fn claim(&self, due: u64) -> Option<&T> {
        let ring = self.ring().filter(|_| due < self.horizon())?;
        let index = Self::index(due);
        let word = &ring.occupied[index / 64];
        word.set(word.get() | 1 << (index % 64));
        ring.words.set(ring.words.get() | 1 << (index / 64));
        Some(&ring.slots[index])
    }

    /// Returns the first slot with timers, and the start of its period.
    #[inline(always)]
    pub fn first(&self) -> Option<(u64, &T)> {
        let ring = self.ring()?;
        // The slot of the horizon is also that of the first period.
        let start = Self::index(self.horizon());
        let index = ring.first_from(start)?;
        let left = SLOTS - index.wrapping_sub(start) % SLOTS;
        Some((self.horizon() - ((left as u64) << SHIFT), &ring.slots[index]))
    }
}

impl<T, const SHIFT: u32> Drop for Wheel<T, SHIFT> {
    fn drop(&mut self) {
        // SAFETY: NULL or from `calloc`, and not used again. It holds no timers when a loop is closed.
        unsafe { memory::free(self.ring.get().cast_mut().cast()) };
    }
}
