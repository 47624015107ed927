//! A timing wheel: a list of timers for each of the next milliseconds.

use super::Node;
use crate::event_loop::queue::List;
use crate::memory;
use core::cell::Cell;
use core::mem::size_of;
use core::ptr;

const WORDS: usize = u16::BITS as usize;
pub const SLOTS: usize = WORDS * u64::BITS as usize;

/// Zeroed memory is an empty one.
struct Slots {
    /// Which lists may have elements. Stopping a timer does not tell.
    occupied: [Cell<u64>; WORDS],
    /// Which words of `occupied` may not be 0.
    words: Cell<u16>,
    lists: [List; SLOTS],
}

impl Slots {
    /// The first list with elements, from `start` on and then from the beginning.
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
            } else if self.lists[slot].is_empty() {
                self.occupied[word].set(self.occupied[word].get() & !(1 << (slot % 64)));
            } else {
                return Some(slot);
            }
        }
    }
}

/// Timers that are due in the `SLOTS` milliseconds before `horizon`, each in the list of its due
/// time.
pub struct Wheel {
    /// NULL while there are none. They do not move, as lists must not.
    slots: Cell<*const Slots>,
    horizon: Cell<u64>,
}

impl Wheel {
    pub const fn new() -> Self {
        Wheel { slots: Cell::new(ptr::null()), horizon: Cell::new(0) }
    }

    fn slots(&self) -> Option<&Slots> {
        // SAFETY: NULL, or made by `make` and freed by `drop`.
        unsafe { self.slots.get().as_ref() }
    }

    /// Gets the wheel memory. Until then nothing is before its horizon.
    pub fn make(&self) {
        if let (None, Ok(block)) = (self.slots(), memory::calloc(1, size_of::<Slots>())) {
            self.slots.set(block.cast().as_ptr());
        }
    }

    pub fn is_made(&self) -> bool {
        self.slots().is_some()
    }

    /// The first time that is too late for the wheel.
    pub fn horizon(&self) -> u64 {
        self.horizon.get()
    }

    /// Lets the wheel begin at `start`, before which nothing in it is due.
    pub fn turn(&self, start: u64) {
        if self.is_made() {
            self.horizon.set(start + SLOTS as u64);
        }
    }

    /// # Safety
    /// `node` is in no list, is due in the time of the wheel, and stays alive and in place until it
    /// is unlinked.
    pub unsafe fn push(&self, node: &Node) {
        let Some(slots) = self.slots() else { return };
        let slot = slot_of(node.due.get());
        let word = &slots.occupied[slot / 64];
        word.set(word.get() | 1 << (slot % 64));
        slots.words.set(slots.words.get() | 1 << (slot / 64));
        // SAFETY: the caller's contract.
        unsafe { slots.lists[slot].push_back(&node.link) };
    }

    fn first(&self) -> Option<(u64, &List)> {
        let slots = self.slots()?;
        // The slot of the horizon is that of the beginning.
        let start = slot_of(self.horizon());
        let slot = slots.first_from(start)?;
        let left = SLOTS - slot.wrapping_sub(start) % SLOTS;
        Some((self.horizon() - left as u64, &slots.lists[slot]))
    }

    pub fn first_due(&self) -> Option<u64> {
        self.first().map(|(due, _)| due)
    }

    /// Moves what is due at `now` to the end of `target`, in order.
    pub fn take_due(&self, now: u64, target: &List) {
        while let Some((due, list)) = self.first().filter(|&(due, _)| due <= now) {
            list.move_to(target);
            self.turn(due);
        }
    }
}

impl Drop for Wheel {
    fn drop(&mut self) {
        // SAFETY: NULL or from `calloc`, and not used again. A loop ends without timers.
        unsafe { memory::free(self.slots.get().cast_mut().cast()) };
    }
}

fn slot_of(due: u64) -> usize {
    due as usize % SLOTS
}
