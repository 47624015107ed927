//! The timers of a loop that are started, in the order in which they are due.
//!
//! Times are in milliseconds, so many timers share a due time, and nearly all of them are due soon
//! or are stopped before they are. What is due in the next second or two is in a [`Wheel`]: a list
//! for each millisecond, which a timer joins and leaves in O(1), and which becomes due as a whole.
//! The next half hour is a wheel too, with a slot for each second, and what is due later is in a
//! [`Heap`], where starting and stopping cost O(1) as well, unless it is the first. As time passes,
//! timers move to where they are due sooner. A loop with few timers has the heap alone.
//!
//! All of it is made of links in the timers themselves: starting one needs no memory, so it cannot
//! fail, and a timer occupies no more than the user's handle.

mod heap;
mod wheel;

use crate::ffi::interior_mutable;
use crate::list::{container_of, Link, List};
use core::cell::Cell;
use core::ptr;
use heap::Heap;
use wheel::{Slot, Wheel, SLOTS};

/// The number of timers in the heap at which wheels are worth their memory, 80 KiB …
const MANY: usize = if cfg!(miri) { 8 } else { 1024 };
/// … and how soon one must be due that is started then.
const SOON: u64 = 500_000;

/// What makes something a timer: when it is due, and its links. The order of the fields is
/// libuv's.
#[repr(C)]
pub struct Node {
    /// In a wheel, and among those that are due: the place in the list. In a heap: `next` is the
    /// next sibling, `prev` the sibling before or, of a first child, the parent.
    pub link: Link,
    /// In a heap: the first child. Among those that are due: see [`Ahead`].
    child: Cell<*const Node>,
    pub due: Cell<u64>,
    /// Of no interest here.
    pub repeat: Cell<u64>,
    /// How many were started before.
    sequence: Cell<u64>,
}

interior_mutable!(Node { link, child, due, repeat, sequence });

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

/// Among a million timers those that are due are not in the cache, and where the next one is, is
/// known only when the one before it has come from memory. So the first walk over them leaves in
/// each the address of one some places later, for [`Node::prefetch_ahead`] in the second.
pub struct Ahead {
    last: [*const Node; Ahead::PLACES],
    at: usize,
}

impl Ahead {
    const PLACES: usize = 8;

    pub fn new() -> Self {
        Ahead { last: [ptr::null(); Ahead::PLACES], at: 0 }
    }

    /// Takes note of the next timer of the walk.
    ///
    /// # Safety
    /// `node` and those before it are alive, and in no heap.
    pub unsafe fn visit(&mut self, node: &Node) {
        node.child.set(ptr::null());
        let before = core::mem::replace(&mut self.last[self.at % Ahead::PLACES], node);
        self.at += 1;
        if !before.is_null() {
            // SAFETY: the caller's contract.
            unsafe { (*before).child.set(node) };
        }
    }
}

impl Node {
    /// Has the processor fetch the timer that [`Ahead`] left here.
    pub fn prefetch_ahead(&self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: it may be freed memory by now, or NULL, but a prefetch accesses nothing as far as
        // the program can tell.
        unsafe {
            use core::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
            // From the flags of the handle, which are right before it, to its end: two cache lines.
            let ahead = self.child.get().cast::<i8>();
            _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_sub(16));
            _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(40));
        }
    }
}

// SAFETY: its links are NULL.
unsafe impl Slot for List {
    fn is_empty(&self) -> bool {
        List::is_empty(self)
    }
}

/// A slot of the far wheel: a list in the order of starting, until somebody asks what is due first
/// in it; then a heap, until that is empty.
struct Second {
    list: List,
    heap: Heap,
}

// SAFETY: both are empty when they are zeroed.
unsafe impl Slot for Second {
    fn is_empty(&self) -> bool {
        self.list.is_empty() && self.heap.is_empty()
    }
}

impl Second {
    /// # Safety
    /// As for [`Timers::insert`].
    unsafe fn insert(&self, node: &Node) {
        // SAFETY: the caller's contract.
        unsafe {
            if self.heap.is_empty() {
                self.list.push_back(&node.link);
            } else {
                self.heap.insert(node);
            }
        }
    }

    /// # Safety
    /// `node` is in here.
    unsafe fn remove(&self, node: &Node) {
        if self.heap.is_empty() {
            node.link.unlink();
        } else {
            // SAFETY: the caller's contract; one of the two is empty.
            unsafe { self.heap.remove(node) };
        }
    }

    fn first_due(&self) -> Option<u64> {
        while let Some(link) = self.list.pop_front() {
            // SAFETY: the links in here are those of nodes, which are alive.
            unsafe { self.heap.insert(&*container_of!(link, Node, link)) };
        }
        self.heap.first_due()
    }

    /// Removes one that is the first of those due at the same time.
    fn pop(&self) -> Option<*const Node> {
        let link = self.list.pop_front();
        // SAFETY: as above.
        link.map(|link| unsafe { container_of!(link, Node, link) }).or_else(|| self.heap.pop())
    }
}

/// The length of a slot of the far wheel, in bits. The near wheel is two of them.
const FAR_SHIFT: u32 = SLOTS.ilog2() - 1;

/// Which of the three a timer is in is a matter of its due time: all before the first horizon are
/// in `near`, others before the second in `far`. The horizons are those between slots of `far`, and
/// move with [`Timers::take_due`].
pub struct Timers {
    near: Wheel<List, 0>,
    far: Wheel<Second, FAR_SHIFT>,
    beyond: Heap,
    /// How many are in `beyond`.
    len: Cell<usize>,
    /// How many have been inserted.
    sequence: Cell<u64>,
}

impl Timers {
    pub const fn new() -> Self {
        Timers {
            near: Wheel::new(),
            far: Wheel::new(),
            beyond: Heap::new(),
            len: Cell::new(0),
            sequence: Cell::new(0),
        }
    }

    /// When the first timer is due.
    pub fn first_due(&self) -> Option<u64> {
        let far = || self.far.first().and_then(|(_, second)| second.first_due());
        let near = self.near.first().map(|(due, _)| due);
        near.or_else(far).or_else(|| self.beyond.first_due())
    }

    /// Adds a timer behind those that are due at the same time.
    ///
    /// # Safety
    /// `node` is in no list and no heap, and stays alive and in place until it is removed or was
    /// taken. `now` and `due` are not before the time of the last [`Timers::take_due`].
    pub unsafe fn insert(&self, node: &Node, now: u64, due: u64) {
        node.due.set(due);
        node.sequence.set(self.sequence.replace(self.sequence.get() + 1));
        // SAFETY: the caller's contract.
        unsafe { self.place(node) };
        if self.len.get() >= MANY && due.saturating_sub(now) < SOON && !self.near.is_made() {
            self.make_wheels(now);
        }
    }

    /// Puts a timer where its due time says.
    ///
    /// # Safety
    /// As for [`Timers::insert`].
    unsafe fn place(&self, node: &Node) {
        let due = node.due.get();
        // SAFETY: the caller's contract.
        unsafe {
            if let Some(list) = self.near.claim(due) {
                list.push_back(&node.link);
            } else if let Some(second) = self.far.claim(due) {
                second.insert(node);
            } else {
                self.beyond.insert(node);
                self.len.set(self.len.get() + 1);
            }
        }
    }

    /// Removes a timer.
    ///
    /// # Safety
    /// `node` was inserted here and was neither removed nor taken since.
    pub unsafe fn remove(&self, node: &Node) {
        let due = node.due.get();
        if due < self.near.horizon() {
            node.link.unlink();
            return;
        }
        // SAFETY: the caller's contract.
        unsafe {
            if let Some(second) = self.far.slot(due) {
                second.remove(node);
            } else {
                self.beyond.remove(node);
                self.len.set(self.len.get() - 1);
            }
        }
    }

    /// Moves what is due at `now` to the end of `list`, in order: by `Node::link`.
    pub fn take_due(&self, now: u64, list: &List) {
        if !self.near.is_made() {
            while let Some(node) = self.pop_beyond(now.saturating_add(1)) {
                // SAFETY: what was in the heap is alive, and is in no list.
                unsafe { list.push_back(&(*node).link) };
            }
            return;
        }
        loop {
            while let Some((_, slot)) = self.near.first().filter(|&(due, _)| due <= now) {
                slot.move_to(list);
            }
            // When much time has passed, there may be more.
            let far = self.far.first().map(|(start, _)| start);
            match far.or_else(|| self.beyond.first_due()) {
                Some(later) if later <= now => self.move_horizons(later),
                _ => return self.move_horizons(now),
            }
        }
    }

    fn pop_beyond(&self, end: u64) -> Option<*const Node> {
        self.beyond.first_due().filter(|&due| due < end)?;
        self.len.set(self.len.get() - 1);
        self.beyond.pop()
    }

    /// Lets the wheels begin with `time`, before which nothing is due.
    fn move_horizons(&self, time: u64) {
        let slot = time >> FAR_SHIFT;
        self.near.turn((slot + 2) << FAR_SHIFT);
        self.far.turn((slot + SLOTS as u64) << FAR_SHIFT);
        let (near, far) = (self.near.horizon(), self.far.horizon());
        while let Some((_, second)) = self.far.first().filter(|&(start, _)| start < near) {
            while let Some(node) = second.pop() {
                // SAFETY: what was in there is alive, and is now in nothing.
                unsafe { self.place(&*node) };
            }
        }
        while let Some(node) = self.pop_beyond(near.max(far)) {
            // SAFETY: as above.
            unsafe { self.place(&*node) };
        }
    }

    #[cold]
    fn make_wheels(&self, now: u64) {
        self.near.make();
        // Without memory for them the heap does.
        if self.near.is_made() {
            self.far.make();
            // Some may be overdue.
            self.move_horizons(self.first_due().map_or(now, |due| due.min(now)));
        }
    }
}

#[cfg(test)]
mod tests {
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
                assert!(key.0 <= self.now && ptr::eq(link, &raw const self.nodes[n].link));
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
        for round in 0..if cfg!(miri) { 4 } else { 40 } {
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
    fn a_walk_leaves_where_others_are() {
        let nodes: Vec<Node> = (0..20).map(|_| Node::new()).collect();
        let mut ahead = Ahead::new();
        for node in &nodes {
            // SAFETY: all of them are alive.
            unsafe { ahead.visit(node) };
        }
        for (n, node) in nodes.iter().enumerate() {
            let later = nodes.get(n + Ahead::PLACES).map_or(ptr::null(), ptr::from_ref);
            assert_eq!(node.child.get(), later);
            node.prefetch_ahead();
        }
    }

    #[test]
    fn a_few_timers_are_taken_in_order() {
        for longest in [2, 50, 5_000] {
            compare(1, longest);
            compare(MANY.min(20) - 1, longest);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn many_timers_are_taken_in_order() {
        for longest in [2, SLOTS as u64, 10_000, 5_000_000] {
            compare(3 * MANY, longest);
        }
    }

    #[test]
    fn timers_that_moved_to_another_place_are_before_later_ones() {
        let mut pair = Pair::new(4 * MANY);
        let far = SLOTS as u64 * SLOTS as u64;
        // In the heap first, then on the far wheel, in a heap there, and on the near wheel.
        let steps = [far, 100_000, 5_000, 1];
        let mut left = far;
        for (step, timeout) in steps.into_iter().enumerate() {
            assert_eq!(pair.pass(left - timeout), 0);
            left = timeout;
            for n in step * MANY..(step + 1) * MANY {
                pair.start(n, timeout);
            }
        }
        assert_eq!(pair.pass(0), 0);
        assert_eq!(pair.pass(1), 4 * MANY);
    }

    #[test]
    fn wheels_that_come_late_have_what_is_overdue() {
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
