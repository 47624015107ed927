//! The started timers of a loop, ordered by due time.
//!
//! Times are in milliseconds, so many timers share a due time. Most are due soon, or are stopped before
//! they are due. Timers due within the next one or two seconds are in a [`Wheel`] with a list for each
//! millisecond, which a timer joins and leaves in O(1) and which becomes due as a whole. Timers of the
//! next half hour are in a wheel with a slot for each second, and later ones in a [`Heap`], where
//! starting is O(1) and so is stopping, except for the first. As time passes, timers move from the heap
//! and the far wheel to the near wheel. A loop with few timers has only the heap.
//!
//! All links are in the timers, so starting one allocates nothing and cannot fail.

mod heap;
mod wheel;

use crate::ffi::interior_mutable;
use crate::list::{container_of, Link, List};
use core::cell::Cell;
use core::ptr;
use heap::Heap;
use wheel::{Slot, Wheel, SLOTS};

/// The number of timers in the heap from which wheels, 80 KiB, are allocated.
const MANY: usize = if cfg!(miri) { 8 } else { 1024 };
/// Wheels are allocated when a timer is started that is due sooner than this.
const SOON: u64 = 500_000;

/// The links and times of a timer. The order of the fields is libuv's.
#[repr(C)]
pub struct Node {
    /// In a wheel or the list of due timers: the links of that list. In a heap: `next` is the next
    /// sibling; `prev` is the previous sibling or, for a first child, the parent.
    pub link: Link,
    /// In a heap: the first child. In the list of due timers: see [`Prefetcher`].
    child: Cell<*const Node>,
    pub due: Cell<u64>,
    /// Not used here.
    pub repeat: Cell<u64>,
    /// The number of timers that were started before this one.
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

/// Stores in each due timer the address of one some places later, for [`Node::prefetch_later`].
///
/// Among a million timers the due ones are not in the cache, and a walk over the list waits for each
/// link in turn. A first walk, with this, lets the second prefetch.
pub struct Prefetcher {
    last: [*const Node; Prefetcher::DISTANCE],
    at: usize,
}

impl Prefetcher {
    const DISTANCE: usize = 8;

    pub fn new() -> Self {
        Prefetcher { last: [ptr::null(); Prefetcher::DISTANCE], at: 0 }
    }

    /// Stores the address of `node`, the next timer of the walk, in an earlier one.
    ///
    /// # Safety
    /// `node` and those before it are alive, and in no heap.
    pub unsafe fn visit(&mut self, node: &Node) {
        node.child.set(ptr::null());
        let before = core::mem::replace(&mut self.last[self.at % Prefetcher::DISTANCE], node);
        self.at += 1;
        if !before.is_null() {
            // SAFETY: `before` was visited earlier and is alive as documented.
            unsafe { (*before).child.set(node) };
        }
    }
}

impl Node {
    /// Prefetches the timer whose address [`Prefetcher`] stored here.
    pub fn prefetch_later(&self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the address may be NULL or of freed memory, but a prefetch has no effect that a program
        // can observe, and does not fault.
        unsafe {
            use core::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
            // Two cache lines, from the flags of the handle, right before the node, to its end.
            let later = self.child.get().cast::<i8>();
            _mm_prefetch::<_MM_HINT_T0>(later.wrapping_sub(16));
            _mm_prefetch::<_MM_HINT_T0>(later.wrapping_add(40));
        }
    }
}

// SAFETY: a list whose links are NULL is empty.
unsafe impl Slot for List {
    fn is_empty(&self) -> bool {
        List::is_empty(self)
    }
}

/// A slot of the far wheel: a list in the order of starting. The first call of `first_due` turns it into
/// a heap, which it stays until that is empty.
struct FarSlot {
    list: List,
    heap: Heap,
}

// SAFETY: a zeroed list and a zeroed heap are empty.
unsafe impl Slot for FarSlot {
    fn is_empty(&self) -> bool {
        self.list.is_empty() && self.heap.is_empty()
    }
}

impl FarSlot {
    /// # Safety
    /// As for [`Timers::insert`].
    unsafe fn insert(&self, node: &Node) {
        // SAFETY: as documented.
        unsafe {
            if self.heap.is_empty() {
                self.list.push_back(&node.link);
            } else {
                self.heap.insert(node);
            }
        }
    }

    /// # Safety
    /// `node` is in this slot.
    unsafe fn remove(&self, node: &Node) {
        // SAFETY: `node` is in this slot, and the list is empty while the heap is not.
        unsafe {
            if self.heap.is_empty() {
                node.link.unlink_linked();
            } else {
                self.heap.remove(node);
            }
        }
    }

    fn first_due(&self) -> Option<u64> {
        while let Some(link) = self.list.pop_front() {
            // SAFETY: the links in the list are part of nodes, which are alive and now in no list.
            unsafe { self.heap.insert(&*container_of!(link, Node, link)) };
        }
        self.heap.first_due()
    }

    /// Removes a timer that is the first of those with its due time.
    fn pop(&self) -> Option<*const Node> {
        let link = self.list.pop_front();
        // SAFETY: the links in the list are part of nodes.
        link.map(|link| unsafe { container_of!(link, Node, link) }).or_else(|| self.heap.pop())
    }
}

/// The length of a slot of the far wheel, in bits. The near wheel spans two of them.
const FAR_SHIFT: u32 = SLOTS.ilog2() - 1;

/// The due time determines where a timer is: before the horizon of `near` in `near`, otherwise before
/// that of `far` in `far`, otherwise in `beyond`. The horizons are bounds of slots of `far`;
/// [`Timers::take_due`] moves them.
pub struct Timers {
    near: Wheel<List, 0>,
    far: Wheel<FarSlot, FAR_SHIFT>,
    beyond: Heap,
    /// The number of timers in `beyond`.
    len: Cell<usize>,
    /// The number of timers inserted so far.
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

    /// Returns the due time of the first timer.
    pub fn first_due(&self) -> Option<u64> {
        let far = || self.far.first().and_then(|(_, slot)| slot.first_due());
        let near = self.near.first().map(|(due, _)| due);
        near.or_else(far).or_else(|| self.beyond.first_due())
    }

    /// Adds a timer after those with the same due time.
    ///
    /// # Safety
    /// `node` is in no list and no heap, and stays alive and in place until it is removed or taken. `now`
    /// and `due` are not before the time of the last [`Timers::take_due`].
    pub unsafe fn insert(&self, node: &Node, now: u64, due: u64) {
        node.due.set(due);
        node.sequence.set(self.sequence.replace(self.sequence.get() + 1));
        // SAFETY: as documented.
        unsafe { self.place(node) };
        if self.len.get() >= MANY && due.saturating_sub(now) < SOON && !self.near.is_made() {
            self.make_wheels(now);
        }
    }

    /// Puts a timer into the wheel or heap of its due time.
    ///
    /// # Safety
    /// As for [`Timers::insert`].
    unsafe fn place(&self, node: &Node) {
        let due = node.due.get();
        // SAFETY: as documented.
        unsafe {
            if let Some(list) = self.near.claim(due) {
                list.push_back(&node.link);
            } else if let Some(slot) = self.far.claim(due) {
                slot.insert(node);
            } else {
                self.beyond.insert(node);
                self.len.set(self.len.get() + 1);
            }
        }
    }

    /// Removes a timer.
    ///
    /// # Safety
    /// `node` was inserted, and neither removed nor taken since.
    pub unsafe fn remove(&self, node: &Node) {
        let due = node.due.get();
        if due < self.near.horizon() {
            // SAFETY: it is in the list of its due time.
            unsafe { node.link.unlink_linked() };
            return;
        }
        // SAFETY: `node` is in the slot or heap of its due time.
        unsafe {
            if let Some(slot) = self.far.slot(due) {
                slot.remove(node);
            } else {
                self.beyond.remove(node);
                self.len.set(self.len.get() - 1);
            }
        }
    }

    /// Moves the timers that are due at `now` to the end of `list`, in order, linked by `Node::link`.
    pub fn take_due(&self, now: u64, list: &List) {
        if !self.near.is_made() {
            while let Some(node) = self.pop_beyond(now.saturating_add(1)) {
                // SAFETY: a timer from the heap is alive and in no list.
                unsafe { list.push_back(&(*node).link) };
            }
            return;
        }
        loop {
            while let Some((_, slot)) = self.near.first().filter(|&(due, _)| due <= now) {
                slot.move_to(list);
            }
            // More are due if much time has passed.
            let far = self.far.first().map(|(start, _)| start);
            match far.or_else(|| self.beyond.first_due()) {
                Some(later) if later <= now => self.move_horizons(later),
                _ => return self.move_horizons(now),
            }
        }
    }

    /// Sorts those of the due timers that have one due time, each by the key of its number in the order of starting.
    pub fn shuffle(&self, due: &List, key: impl Fn(u64) -> u64) {
        due.sort(&|link| {
            // SAFETY: the links in the list are part of nodes, which are alive.
            let node = unsafe { &*container_of!(link, Node, link) };
            // The loop's time has fewer than 44 bits.
            node.due.get() << 20 | key(node.sequence.get()) >> 44
        });
    }

    fn pop_beyond(&self, end: u64) -> Option<*const Node> {
        self.beyond.first_due().filter(|&due| due < end)?;
        self.len.set(self.len.get() - 1);
        self.beyond.pop()
    }

    /// Moves the wheels to begin at `time`, before which nothing is due.
    fn move_horizons(&self, time: u64) {
        let slot = time >> FAR_SHIFT;
        self.near.turn((slot + 2) << FAR_SHIFT);
        self.far.turn((slot + SLOTS as u64) << FAR_SHIFT);
        let (near, far) = (self.near.horizon(), self.far.horizon());
        while let Some((_, slot)) = self.far.first().filter(|&(start, _)| start < near) {
            while let Some(node) = slot.pop() {
                // SAFETY: a timer from the slot is alive, and now in no list or heap.
                unsafe { self.place(&*node) };
            }
        }
        while let Some(node) = self.pop_beyond(near.max(far)) {
            // SAFETY: a timer from the heap is alive, and now in no list or heap.
            unsafe { self.place(&*node) };
        }
    }

    #[cold]
    fn make_wheels(&self, now: u64) {
        self.near.make();
        // Without memory the heap holds all timers.
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

    /// Timers, and the expected order as a map from due time and rank to number.
    struct Model {
        nodes: Vec<Node>,
        timers: Timers,
        expected: BTreeMap<(u64, u64), usize>,
        keys: Vec<Option<(u64, u64)>>,
        started: u64,
        now: u64,
    }

    impl Model {
        fn new(count: usize) -> Self {
            Model {
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
            // SAFETY: the timer is stopped, and the nodes do not move.
            unsafe { self.timers.insert(&self.nodes[n], self.now, key.0) };
        }

        fn stop(&mut self, n: usize) {
            if let Some(key) = self.keys[n].take() {
                self.expected.remove(&key);
                // SAFETY: the timer is started.
                unsafe { self.timers.remove(&self.nodes[n]) };
                assert!(!self.nodes[n].link.is_linked());
            }
        }

        fn check(&self) {
            let first = self.expected.first_key_value().map(|((due, _), _)| *due);
            assert_eq!(self.timers.first_due(), first);
        }

        /// Advances the time and takes the due timers in order.
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

    /// Starts, stops and restarts timers at random, with few due times and with many, near and far.
    fn compare(count: usize, longest: u64) {
        let mut state = 7;
        let mut model = Model::new(count);
        for round in 0..if cfg!(miri) { 4 } else { 40 } {
            for _ in 0..count {
                let n = random(&mut state) as usize % count;
                match random(&mut state) % 8 {
                    0 | 1 => model.stop(n),
                    2 => model.start(n, 0),
                    3 => model.start(n, u64::MAX - random(&mut state) % 2),
                    // Some are overdue when others are started.
                    4 if random(&mut state) % 64 == 0 => model.now += random(&mut state) % longest,
                    _ => model.start(n, random(&mut state) % longest),
                }
                model.check();
            }
            model.pass(match round % 4 {
                0 => 0,
                1 => 1,
                _ => random(&mut state) % longest,
            });
        }
        // `first_due` is right in every order of stopping.
        for n in 0..count {
            model.stop(n);
            model.check();
        }
        assert!(model.expected.is_empty());
    }

    #[test]
    fn a_walk_stores_the_addresses_of_later_timers() {
        let nodes: Vec<Node> = (0..20).map(|_| Node::new()).collect();
        let mut prefetcher = Prefetcher::new();
        for node in &nodes {
            // SAFETY: all nodes are alive and in no heap.
            unsafe { prefetcher.visit(node) };
        }
        for (n, node) in nodes.iter().enumerate() {
            let later = nodes.get(n + Prefetcher::DISTANCE).map_or(ptr::null(), ptr::from_ref);
            assert_eq!(node.child.get(), later);
            node.prefetch_later();
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
    fn timers_that_moved_are_before_later_ones() {
        let mut model = Model::new(4 * MANY);
        let far = SLOTS as u64 * SLOTS as u64;
        // In the heap first, then on the far wheel, in a heap there, and on the near wheel.
        let steps = [far, 100_000, 5_000, 1];
        let mut left = far;
        for (step, timeout) in steps.into_iter().enumerate() {
            assert_eq!(model.pass(left - timeout), 0);
            left = timeout;
            for n in step * MANY..(step + 1) * MANY {
                model.start(n, timeout);
            }
        }
        assert_eq!(model.pass(0), 0);
        assert_eq!(model.pass(1), 4 * MANY);
    }

    #[test]
    fn new_wheels_hold_overdue_timers() {
        let mut model = Model::new(MANY + 1);
        for n in 0..MANY - 1 {
            model.start(n, n as u64);
        }
        model.now += 3 * SLOTS as u64;
        model.start(MANY - 1, 0);
        model.start(MANY, SLOTS as u64);
        model.check();
        assert_eq!(model.pass(0), MANY);
        assert_eq!(model.pass(SLOTS as u64), 1);
    }
}
