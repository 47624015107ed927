//! A timing wheel: a slot for each of the next periods of time, and which of them are in use.

use crate::memory;
use core::cell::Cell;
use core::mem::size_of;
use core::ptr;

const WORDS: usize = u32::BITS as usize;
pub const SLOTS: usize = WORDS * u64::BITS as usize;

/// What holds the timers of one period.
///
/// # Safety
/// Zeroed memory is an empty one.
pub unsafe trait Slot {
    fn is_empty(&self) -> bool;
}

struct Ring<T> {
    /// Which slots may have elements. Stopping a timer does not tell.
    occupied: [Cell<u64>; WORDS],
    /// Which words of `occupied` may not be 0.
    words: Cell<u32>,
    slots: [T; SLOTS],
}

impl<T: Slot> Ring<T> {
    /// The first slot with elements, from `start` on and then from the beginning.
    fn first_from(&self, start: usize) -> Option<usize> {
        let (word, bit) = (start / 64, start % 64);
        loop {
            let (word, bits) = match self.occupied[word].get() & (u64::MAX << bit) {
                0 => {
                    // The words behind this one, and last this one again, for what is before `bit`.
                    let ahead = self.words.get().rotate_right(word as u32 + 1);
                    if ahead == 0 {
                        return None;
                    }
                    let word = (word + 1 + ahead.trailing_zeros() as usize) % WORDS;
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
    /// NULL while there is none. It does not move, as lists must not.
    ring: Cell<*const Ring<T>>,
    horizon: Cell<u64>,
}

impl<T: Slot, const SHIFT: u32> Wheel<T, SHIFT> {
    pub const fn new() -> Self {
        Wheel { ring: Cell::new(ptr::null()), horizon: Cell::new(0) }
    }

    fn ring(&self) -> Option<&Ring<T>> {
        // SAFETY: NULL, or made by `make` and freed by `drop`.
        unsafe { self.ring.get().as_ref() }
    }

    /// Gets the wheel memory, if there is some. Until then nothing is before its horizon.
    pub fn make(&self) {
        if let (None, Ok(block)) = (self.ring(), memory::calloc(1, size_of::<Ring<T>>())) {
            self.ring.set(block.cast().as_ptr());
        }
    }

    pub fn is_made(&self) -> bool {
        self.ring().is_some()
    }

    /// The first time that is too late for the wheel.
    pub fn horizon(&self) -> u64 {
        self.horizon.get()
    }

    /// Moves the horizon. `SLOTS` periods before it, and earlier, the wheel has nothing.
    pub fn turn(&self, horizon: u64) {
        if self.is_made() {
            self.horizon.set(horizon);
        }
    }

    fn index(time: u64) -> usize {
        (time >> SHIFT) as usize % SLOTS
    }

    /// The slot for what is due at `due`, which is not before the wheel; `None` after it.
    pub fn slot(&self, due: u64) -> Option<&T> {
        self.ring().filter(|_| due < self.horizon()).map(|ring| &ring.slots[Self::index(due)])
    }

    /// As [`Wheel::slot`], for adding a timer.
    pub fn claim(&self, due: u64) -> Option<&T> {
        let ring = self.ring().filter(|_| due < self.horizon())?;
        let index = Self::index(due);
        let word = &ring.occupied[index / 64];
        word.set(word.get() | 1 << (index % 64));
        ring.words.set(ring.words.get() | 1 << (index / 64));
        Some(&ring.slots[index])
    }

    /// The first slot with timers, and when its period begins.
    pub fn first(&self) -> Option<(u64, &T)> {
        let ring = self.ring()?;
        // The slot of the horizon is that of the beginning.
        let start = Self::index(self.horizon());
        let index = ring.first_from(start)?;
        let left = SLOTS - index.wrapping_sub(start) % SLOTS;
        Some((self.horizon() - ((left as u64) << SHIFT), &ring.slots[index]))
    }
}

impl<T, const SHIFT: u32> Drop for Wheel<T, SHIFT> {
    fn drop(&mut self) {
        // SAFETY: NULL or from `calloc`, and not used again. A loop ends without timers.
        unsafe { memory::free(self.ring.get().cast_mut().cast()) };
    }
}
