//! The timers of a loop: a 4-ary min-heap in one contiguous array.
//!
//! The key is copied into the array, so finding the way through the heap reads consecutive memory
//! and touches no timer; a timer is written to only to tell it its new place. Four children to a
//! node halve the depth, and all four keys lie in two cache lines.

use crate::abi::Result;
use crate::memory::Array;

/// When a timer is due, and its rank among the timers due at the same time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key {
    pub due: u64,
    pub sequence: u64,
}

/// What the heap orders: something that is told its position, by which it is removed again.
pub trait Positioned: Copy {
    fn set_position(self, position: usize);
}

#[derive(Clone, Copy)]
struct Entry<T> {
    key: Key,
    item: T,
}

pub struct TimerHeap<T: Positioned> {
    entries: Array<Entry<T>>,
}

const ARITY: usize = 4;

impl<T: Positioned> TimerHeap<T> {
    pub const fn new() -> Self {
        TimerHeap { entries: Array::new() }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.entries.len()
    }

    /// The key and item that come first.
    pub fn first(&self) -> Option<(Key, T)> {
        self.entries.first().map(|e| (e.key, e.item))
    }

    /// Removes the item that comes first, if it is due at `now`.
    pub fn pop_due(&mut self, now: u64) -> Option<T> {
        let first = self.entries.first()?;
        if first.key.due > now {
            return None;
        }
        let item = first.item;
        self.remove(0);
        Some(item)
    }

    /// Fails only when memory for the array cannot be had.
    pub fn insert(&mut self, key: Key, item: T) -> Result {
        self.entries.push(Entry { key, item })?;
        self.sift_up(self.entries.len() - 1, Entry { key, item });
        Ok(())
    }

    /// Removes the item that was last told `position`.
    pub fn remove(&mut self, position: usize) {
        let Some(last) = self.entries.pop() else { return };
        if let Some(removed) = self.entries.get(position) {
            // The last entry takes the free place and then goes the way its key demands.
            if last.key < removed.key {
                self.sift_up(position, last);
            } else {
                self.sift_down(position, last);
            }
        }
    }

    /// Gives memory back that is not needed any more. Not part of `remove`, so that as many timers as
    /// were removed can be inserted without fail.
    pub fn shrink(&mut self) {
        self.entries.shrink();
    }

    fn place(&mut self, position: usize, entry: Entry<T>) {
        self.entries[position] = entry;
        entry.item.set_position(position);
    }

    fn sift_up(&mut self, mut position: usize, entry: Entry<T>) {
        while position > 0 {
            let parent = (position - 1) / ARITY;
            if self.entries[parent].key <= entry.key {
                break;
            }
            self.place(position, self.entries[parent]);
            position = parent;
        }
        self.place(position, entry);
    }

    fn sift_down(&mut self, mut position: usize, entry: Entry<T>) {
        loop {
            let first_child = position * ARITY + 1;
            let end = (first_child + ARITY).min(self.entries.len());
            let Some(child) = (first_child..end).min_by_key(|&c| self.entries[c].key) else {
                break;
            };
            if entry.key <= self.entries[child].key {
                break;
            }
            self.place(position, self.entries[child]);
            position = child;
        }
        self.place(position, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    #[derive(Clone, Copy)]
    struct Item<'a>(u64, &'a Cell<usize>);

    impl Positioned for Item<'_> {
        fn set_position(self, position: usize) {
            self.1.set(position);
        }
    }

    /// A full-period linear congruential generator: the same sequence in every run.
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *state >> 33
    }

    #[test]
    fn pops_in_key_order_after_random_removals() {
        let positions: Vec<Cell<usize>> = (0..2000).map(|_| Cell::new(usize::MAX)).collect();
        let mut heap = TimerHeap::new();
        let mut state = 7;
        let keys: Vec<Key> =
            (0..2000u64).map(|n| Key { due: random(&mut state) % 100, sequence: n }).collect();
        for (n, key) in keys.iter().enumerate() {
            heap.insert(*key, Item(n as u64, &positions[n])).unwrap();
        }
        let mut expected = keys.clone();
        for n in (0..2000).filter(|n| n % 3 == 0) {
            heap.remove(positions[n].get());
            expected.retain(|k| *k != keys[n]);
        }
        expected.sort();
        assert_eq!(heap.len(), expected.len());
        let mut popped = Vec::new();
        while let Some((key, item)) = heap.first() {
            assert_eq!(key, keys[item.0 as usize]);
            heap.remove(item.1.get());
            popped.push(key);
        }
        assert_eq!(popped, expected);
        assert!(heap.first().is_none());
        heap.remove(0);
    }
}
