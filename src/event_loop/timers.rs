//! The timers of a loop that are started, in the order in which they are due.
//!
//! Times are in milliseconds, so many timers share a due time, and nearly all of them are due soon
//! or are stopped before they are. The next second or so is a [`Wheel`]: a list for each
//! millisecond, which a timer joins and leaves in O(1), and which becomes due as a whole. What is
//! due later waits in a [`Heap`] that starting and stopping cost O(1) as well, and from which time
//! moves it to the wheel. A loop with few timers has the heap alone.
//!
//! Both are made of links in the timers themselves: starting one needs no memory, so it cannot
//! fail, and a timer occupies no more than the user's handle.

mod heap;
mod wheel;

use super::queue::{Link, List};
use core::cell::Cell;
use core::ptr;
use heap::Heap;
use wheel::Wheel;

/// The number of timers in the heap at which a wheel is worth its memory.
const MANY: usize = 256;

/// What makes something a timer: when it is due, and its links. The order of the fields is
/// libuv's.
#[repr(C)]
pub struct Node {
    /// In the wheel, and among those that are due: the place in the list. In the heap: `next` is
    /// the next sibling, `prev` the sibling before or, of a first child, the parent.
    pub link: Link,
    /// In the heap: the first child.
    child: Cell<*const Node>,
    pub due: Cell<u64>,
    /// Of no interest here.
    pub repeat: Cell<u64>,
    /// In the heap: how many came before.
    sequence: Cell<u64>,
}

impl Node {
    pub const fn new() -> Self {
        Node {
            link: Link::new(),
            child: Cell::new(ptr::null()),
            due: Cell::new(0),
            repeat: Cell::new(0),
            sequence: Cell::new(0),
        }
    }
}

/// Everything in `far` is due after everything in `near`: what is due before `near.horizon()`
/// joins the wheel, and the horizon moves on only with [`Timers::move_horizon`].
pub struct Timers {
    near: Wheel,
    far: Heap,
}

impl Timers {
    pub const fn new() -> Self {
        Timers { near: Wheel::new(), far: Heap::new() }
    }

    /// When the first timer is due.
    pub fn first_due(&self) -> Option<u64> {
        self.near.first_due().or_else(|| self.far.first_due())
    }

    /// Adds a timer behind those that are due at the same time.
    ///
    /// # Safety
    /// `node` is in no list and no heap, and stays alive and in place until it is removed or was
    /// taken. `now` and `due` are not before the time of the last [`Timers::take_due`].
    pub unsafe fn insert(&self, node: &Node, now: u64, due: u64) {
        node.due.set(due);
        // SAFETY: the caller's contract.
        unsafe {
            if due < self.near.horizon() {
                return self.near.push(node);
            }
            self.far.insert(node);
        }
        if self.far.len() == MANY && !self.near.is_made() {
            self.make_wheel(now);
        }
    }

    #[cold]
    fn make_wheel(&self, now: u64) {
        self.near.make();
        // Some may be overdue.
        self.move_horizon(self.far.first_due().map_or(now, |due| due.min(now)));
    }

    /// Removes a timer.
    ///
    /// # Safety
    /// `node` was inserted here and was neither removed nor taken since.
    pub unsafe fn remove(&self, node: &Node) {
        if node.due.get() < self.near.horizon() {
            node.link.unlink();
        } else {
            // SAFETY: the caller's contract, and what is due after the horizon is in the heap.
            unsafe { self.far.remove(node) };
        }
    }

    /// Moves what is due at `now` to the end of `list`, in order: by `Node::link`.
    pub fn take_due(&self, now: u64, list: &List) {
        self.near.take_due(now, list);
        while let Some(node) = self.far.pop_before(now.saturating_add(1)) {
            // SAFETY: what was in the heap is alive, and is in no list.
            unsafe { list.push_back(&(*node).link) };
        }
        self.move_horizon(now);
    }

    /// Makes room in the wheel for what is due later. Nothing is due before `start`.
    fn move_horizon(&self, start: u64) {
        self.near.turn(start);
        while let Some(node) = self.far.pop_before(self.near.horizon()) {
            // SAFETY: what was in the heap is alive, and is in no list.
            unsafe { self.near.push(&*node) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::wheel::SLOTS;
    use super::*;
    use std::collections::BTreeMap;

    /// A full-period linear congruential generator: the same sequence in every run.
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *state >> 33
    }

    /// Timers beside the map that says what they must do: from due time and rank to number.
    struct Pair {
        nodes: Vec<Node>,
        timers: Timers,
        expected: BTreeMap<(u64, u64), usize>,
        keys: Vec<Option<(u64, u64)>>,
        started: u64,
        now: u64,
    }

    impl Pair {
        fn new(count: usize) -> Self {
            Pair {
                nodes: (0..count).map(|_| Node::new()).collect(),
                timers: Timers::new(),
                expected: BTreeMap::new(),
                keys: vec![None; count],
                started: 0,
                now: 1_000_000,
            }
        }

        fn start(&mut self, n: usize, timeout: u64) {
            self.stop(n);
            let key = (self.now.saturating_add(timeout), self.started);
            self.started += 1;
            self.expected.insert(key, n);
            self.keys[n] = Some(key);
            // SAFETY: it is in nothing, and the nodes do not move.
            unsafe { self.timers.insert(&self.nodes[n], self.now, key.0) };
        }

        fn stop(&mut self, n: usize) {
            if let Some(key) = self.keys[n].take() {
                self.expected.remove(&key);
                // SAFETY: it was started.
                unsafe { self.timers.remove(&self.nodes[n]) };
                assert!(!self.nodes[n].link.is_linked());
            }
        }

        fn check(&self) {
            let first = self.expected.first_key_value().map(|((due, _), _)| *due);
            assert_eq!(self.timers.first_due(), first);
        }

        /// Lets time pass and takes what is due, in order.
        fn pass(&mut self, time: u64) -> usize {
            self.now += time;
            let due = List::new();
            self.timers.take_due(self.now, &due);
            let mut taken = 0;
            while let Some(link) = due.pop_front() {
                let (key, n) = self.expected.pop_first().unwrap();
                assert!(key.0 <= self.now && ptr::eq(link, &self.nodes[n].link));
                self.keys[n] = None;
                taken += 1;
            }
            self.check();
            taken
        }
    }

    /// Starts, stops and starts anew at random, with few due times and with many, near and far.
    fn compare(count: usize, longest: u64) {
        let mut state = 7;
        let mut pair = Pair::new(count);
        for round in 0..40 {
            for _ in 0..count {
                let n = random(&mut state) as usize % count;
                match random(&mut state) % 8 {
                    0 | 1 => pair.stop(n),
                    2 => pair.start(n, 0),
                    3 => pair.start(n, u64::MAX - random(&mut state) % 2),
                    // Some are overdue when others are started.
                    4 if random(&mut state) % 64 == 0 => pair.now += random(&mut state) % longest,
                    _ => pair.start(n, random(&mut state) % longest),
                }
                pair.check();
            }
            pair.pass(match round % 4 {
                0 => 0,
                1 => 1,
                _ => random(&mut state) % longest,
            });
        }
        // Whatever order they are stopped in, the first is known.
        for n in 0..count {
            pair.stop(n);
            pair.check();
        }
        assert!(pair.expected.is_empty());
    }

    #[test]
    fn a_few_timers_are_taken_in_order() {
        for longest in [2, 50, 5_000] {
            compare(1, longest);
            compare(20, longest);
        }
    }

    #[test]
    fn many_timers_are_taken_in_order() {
        for longest in [2, 100, SLOTS as u64, 100_000] {
            compare(3 * MANY, longest);
        }
    }

    #[test]
    fn timers_that_came_to_the_wheel_from_the_heap_are_before_later_ones() {
        let mut pair = Pair::new(2 * MANY);
        for n in 0..MANY {
            pair.start(n, 2 * SLOTS as u64);
        }
        assert_eq!(pair.pass(SLOTS as u64 + 1), 0);
        for n in MANY..2 * MANY {
            pair.start(n, SLOTS as u64 - 1);
        }
        assert_eq!(pair.pass(SLOTS as u64 - 2), 0);
        assert_eq!(pair.pass(1), 2 * MANY);
    }

    #[test]
    fn a_wheel_that_comes_late_has_what_is_overdue() {
        let mut pair = Pair::new(MANY + 1);
        for n in 0..MANY - 1 {
            pair.start(n, n as u64);
        }
        pair.now += 3 * SLOTS as u64;
        pair.start(MANY - 1, 0);
        pair.start(MANY, SLOTS as u64);
        pair.check();
        assert_eq!(pair.pass(0), MANY);
        assert_eq!(pair.pass(SLOTS as u64), 1);
    }
}
