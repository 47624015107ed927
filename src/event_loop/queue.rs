//! Intrusive doubly-linked lists.
//!
//! The library may not allocate for a handle or a request that its user allocated, and an element
//! must leave a list in O(1) when its handle is closed or its request cancelled. So the links live
//! in the private area of the C struct, and a list is a ring through its own head. Nothing here
//! owns an element: whoever links one promises that it stays where it is until it is unlinked.

use crate::sync::atomic::{AtomicPtr, Ordering};
use core::cell::Cell;
use core::ptr;

/// A place in a list, or the head of one.
///
/// NULL pointers mean "in no list", so zeroed memory is a valid, unlinked `Link`.
#[repr(C)]
pub struct Link {
    pub(super) next: Cell<*const Link>,
    pub(super) prev: Cell<*const Link>,
}

impl Link {
    pub const fn new() -> Self {
        Link { next: Cell::new(ptr::null()), prev: Cell::new(ptr::null()) }
    }

    /// Whether the element is in a list. On a [`Stack`], which sets `next` only, it is not.
    pub fn is_linked(&self) -> bool {
        !self.prev.get().is_null()
    }

    /// Takes the element out of the list that it is in, if any.
    pub fn unlink(&self) {
        if !self.is_linked() {
            return;
        }
        let (next, prev) = (self.next.get(), self.prev.get());
        // SAFETY: the neighbours of a linked element are linked, hence alive.
        unsafe {
            (*prev).next.set(next);
            (*next).prev.set(prev);
        }
        self.clear();
    }

    pub(super) fn clear(&self) {
        self.next.set(ptr::null());
        self.prev.set(ptr::null());
    }
}

/// The head of a list. It must not move while the list has elements.
#[repr(transparent)]
pub struct List {
    head: Link,
}

impl List {
    pub const fn new() -> Self {
        List { head: Link::new() }
    }

    pub fn is_empty(&self) -> bool {
        let next = self.head.next.get();
        next.is_null() || ptr::eq(next, &self.head)
    }

    fn make_ring(&self) {
        if !self.head.is_linked() {
            self.head.next.set(&self.head);
            self.head.prev.set(&self.head);
        }
    }

    /// # Safety
    /// `element` is in no list, and stays alive and in place until it is unlinked.
    pub unsafe fn push_back(&self, element: &Link) {
        debug_assert!(!element.is_linked());
        self.make_ring();
        let last = self.head.prev.get();
        element.next.set(&self.head);
        element.prev.set(last);
        // SAFETY: `last` is the head or a linked element.
        unsafe { (*last).next.set(element) };
        self.head.prev.set(element);
    }

    /// # Safety
    /// As for [`List::push_back`].
    pub unsafe fn push_front(&self, element: &Link) {
        debug_assert!(!element.is_linked());
        self.make_ring();
        let first = self.head.next.get();
        element.next.set(first);
        element.prev.set(&self.head);
        // SAFETY: `first` is the head or a linked element.
        unsafe { (*first).prev.set(element) };
        self.head.next.set(element);
    }

    pub fn front(&self) -> Option<*const Link> {
        (!self.is_empty()).then(|| self.head.next.get())
    }

    pub fn pop_front(&self) -> Option<*const Link> {
        let first = self.front()?;
        // SAFETY: an element of the list is alive.
        unsafe { (*first).unlink() };
        Some(first)
    }

    /// The element after `element`, which is in this list.
    ///
    /// # Safety
    /// `element` is linked in this list.
    pub unsafe fn after(&self, element: *const Link) -> Option<*const Link> {
        // SAFETY: the caller's contract.
        let next = unsafe { (*element).next.get() };
        (!ptr::eq(next, &self.head)).then_some(next)
    }

    /// Moves the first element to the end of `target`.
    pub fn move_front_to(&self, target: &List) -> Option<*const Link> {
        let first = self.front()?;
        target.make_ring();
        // SAFETY: an element of a list is alive, as are its neighbours and the last of `target`.
        unsafe {
            let next = (*first).next.get();
            self.head.next.set(next);
            (*next).prev.set(&self.head);
            let last = target.head.prev.get();
            (*first).next.set(&target.head);
            (*first).prev.set(last);
            (*last).next.set(first);
        }
        target.head.prev.set(first);
        Some(first)
    }

    /// Moves all elements to the end of `target`: callbacks that add to this list while `target` is
    /// worked off add to the next round.
    pub fn move_to(&self, target: &List) {
        if self.is_empty() {
            return;
        }
        target.make_ring();
        let (first, last) = (self.head.next.get(), self.head.prev.get());
        let before = target.head.prev.get();
        // SAFETY: `first`, `last` and `before` are linked elements or heads.
        unsafe {
            (*before).next.set(first);
            (*first).prev.set(before);
            (*last).next.set(&target.head);
        }
        target.head.prev.set(last);
        self.head.next.set(&self.head);
        self.head.prev.set(&self.head);
    }

    /// Puts the elements in the order of their keys.
    pub fn sort(&self, key: &impl Fn(*const Link) -> u64) {
        if self.is_sorted(key) {
            return;
        }
        let (some, others, merged) = (List::new(), List::new(), List::new());
        while self.move_front_to(&some).is_some() {
            self.move_front_to(&others);
        }
        some.sort(key);
        others.sort(key);
        while let Some(theirs) = others.front() {
            let ours = some.front().filter(|&ours| key(ours) <= key(theirs));
            if ours.is_some() { &some } else { &others }.move_front_to(&merged);
        }
        while some.move_front_to(&merged).is_some() {}
        merged.move_to(self);
    }

    pub fn is_sorted(&self, key: &impl Fn(*const Link) -> u64) -> bool {
        let mut at = self.front();
        while let Some(link) = at {
            // SAFETY: `link` is in this list.
            at = unsafe { self.after(link) };
            if at.is_some_and(|next| key(next) < key(link)) {
                return false;
            }
        }
        true
    }

    /// Puts an element into its place in a list that is in order, looked for from the end. Each
    /// step is taken off `steps`; when there are none left, false, and it is not put in.
    ///
    /// # Safety
    /// As for [`List::push_back`].
    pub unsafe fn insert(
        &self,
        element: &Link,
        key: &impl Fn(*const Link) -> u64,
        steps: &mut usize,
    ) -> bool {
        self.make_ring();
        let mut before = self.head.prev.get();
        while !ptr::eq(before, &self.head) && key(before) > key(element) {
            if *steps == 0 {
                return false;
            }
            *steps -= 1;
            // SAFETY: `before` is an element of the list.
            before = unsafe { (*before).prev.get() };
        }
        // SAFETY: `before` is the head or a linked element, hence so is what comes after it.
        unsafe {
            let after = (*before).next.get();
            element.next.set(after);
            element.prev.set(before);
            (*after).prev.set(element);
            (*before).next.set(element);
        }
        true
    }
}

/// A list that any thread, or a signal handler, may add to without a lock, and that one thread at a
/// time empties. Elements are the same [`Link`]s; while on the stack only `next` is in use.
///
/// Whoever empties it can leave a mark in it when it is empty, before it goes to sleep: the thread
/// that pushes on the mark has to wake it. So it takes one operation to push and to find that out.
pub struct Stack {
    top: AtomicPtr<Link>,
}

/// No element is at this address.
const MARK: *mut Link = ptr::without_provenance_mut(1);

impl Stack {
    /// An empty stack. `top` is null; the caller makes it, as that is a constant with std's type
    /// and not with loom's.
    pub const fn new(top: AtomicPtr<Link>) -> Self {
        Stack { top }
    }

    /// Adds an element; whether it took the place of the mark.
    ///
    /// # Safety
    /// `element` is in no list, this thread alone has it, and it stays alive and in place until
    /// the owner has taken it.
    pub unsafe fn push(&self, element: *const Link) -> bool {
        let mut top = self.top.load(Ordering::Relaxed);
        loop {
            let next = if top == MARK { ptr::null() } else { top.cast_const() };
            // SAFETY: the caller's contract: nobody else looks at `element` before it is pushed.
            unsafe { (*element).next.set(next) };
            match self.top.compare_exchange_weak(
                top,
                element.cast_mut(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return top == MARK,
                Err(now) => top = now,
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        let top = self.top.load(Ordering::Relaxed);
        top.is_null() || top == MARK
    }

    /// Leaves the mark, which may be there already. False when there are elements: they were pushed
    /// without anybody being woken.
    pub fn mark(&self) -> bool {
        self.exchange(ptr::null_mut(), MARK) || self.is_marked()
    }

    pub fn is_marked(&self) -> bool {
        self.top.load(Ordering::Relaxed) == MARK
    }

    /// Takes the mark away; false when it is not there, or not any more.
    pub fn unmark(&self) -> bool {
        self.is_marked() && self.exchange(MARK, ptr::null_mut())
    }

    fn exchange(&self, from: *mut Link, to: *mut Link) -> bool {
        self.top.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Appends all elements to `list`, in the order in which they were pushed; how many there were.
    pub fn take_into(&self, list: &List) -> usize {
        self.take().append_to(list)
    }

    /// Takes all elements off the stack.
    pub fn take(&self) -> Chain {
        if self.is_empty() {
            return Chain::EMPTY;
        }
        Chain { newest: self.top.swap(ptr::null_mut(), Ordering::AcqRel) }
    }
}

/// What was taken off a [`Stack`] and is not in a list yet.
pub struct Chain {
    newest: *const Link,
}

impl Chain {
    pub const EMPTY: Chain = Chain { newest: ptr::null() };

    /// Has the processor fetch what was pushed last.
    pub fn prefetch(&self) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch accesses nothing as far as the program can tell.
        unsafe {
            use core::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
            _mm_prefetch::<_MM_HINT_T0>(self.newest.cast());
        }
    }

    /// As [`Stack::take_into`].
    pub fn append_to(self, list: &List) -> usize {
        let mut link = self.newest;
        if link.is_null() {
            return 0;
        }
        list.make_ring();
        let last = list.head.prev.get();
        // From the newest, which will be the last, each goes before the one that came after it.
        let mut newer: *const Link = &list.head;
        let mut count = 0;
        while !link.is_null() {
            // SAFETY: whatever was pushed is alive, and since it was taken it is this thread's alone;
            // so are the list and the elements of it.
            unsafe {
                let older = (*link).next.replace(newer);
                (*newer).prev.set(link);
                newer = link;
                link = older;
            }
            count += 1;
        }
        // SAFETY: as above.
        unsafe {
            (*newer).prev.set(last);
            (*last).next.set(newer);
        }
        count
    }
}

/// The struct that holds the link at `$field`.
macro_rules! container_of {
    ($link:expr, $type:ty, $($field:tt)+) => {
        $link.byte_sub(core::mem::offset_of!($type, $($field)+)).cast::<$type>()
    };
}
pub(crate) use container_of;

#[cfg(test)]
mod tests {
    use super::*;

    fn order(list: &List, elements: &[Link]) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = list.front();
        while let Some(link) = at {
            found.push(elements.iter().position(|e| ptr::eq(e, link)).unwrap());
            // SAFETY: `link` was just found in the list.
            at = unsafe { list.after(link) };
        }
        found
    }

    #[test]
    fn keeps_order_and_unlinks_anywhere() {
        let elements: [Link; 5] = core::array::from_fn(|_| Link::new());
        let list = List::new();
        assert!(list.is_empty() && list.front().is_none());
        for e in &elements[..4] {
            // SAFETY: the elements outlive the list.
            unsafe { list.push_back(e) };
        }
        // SAFETY: as above.
        unsafe { list.push_front(&elements[4]) };
        assert_eq!(order(&list, &elements), [4, 0, 1, 2, 3]);
        elements[1].unlink();
        elements[1].unlink();
        elements[3].unlink();
        assert_eq!(order(&list, &elements), [4, 0, 2]);

        let other = List::new();
        list.move_to(&other);
        assert!(list.is_empty());
        // SAFETY: as above.
        unsafe { list.push_back(&elements[1]) };
        assert_eq!(order(&other, &elements), [4, 0, 2]);
        assert_eq!(order(&list, &elements), [1]);
        list.move_to(&other);
        assert_eq!(order(&other, &elements), [4, 0, 2, 1]);
        assert!(ptr::eq(other.pop_front().unwrap(), &elements[4]));
        other.pop_front();
        other.pop_front();
        other.pop_front();
        assert!(other.pop_front().is_none() && !elements[0].is_linked());
    }

    // Loom's atomics work in its models only, of which one is about this.
    #[cfg(not(loom))]
    #[test]
    fn takes_off_the_stack_in_the_order_of_pushing() {
        let elements: [Link; 6] = core::array::from_fn(|_| Link::new());
        let (stack, list) = (Stack::new(AtomicPtr::new(ptr::null_mut())), List::new());
        assert_eq!(stack.take_into(&list), 0);
        for (pushed, expected) in [(0..1, 1), (1..4, 4), (4..6, 6)] {
            let count = pushed.len();
            for e in &elements[pushed] {
                // SAFETY: the elements outlive stack and list, and are pushed once.
                unsafe { stack.push(e) };
            }
            assert_eq!(stack.take_into(&list), count);
            assert!(stack.is_empty());
            assert_eq!(order(&list, &elements), Vec::from_iter(0..expected));
        }
        elements[3].unlink();
        elements[5].unlink();
        assert_eq!(order(&list, &elements), [0, 1, 2, 4]);
        assert_eq!(core::iter::from_fn(|| list.pop_front()).count(), 4);
    }

    #[test]
    fn sorts_and_inserts() {
        let elements: [Link; 100] = core::array::from_fn(|_| Link::new());
        let place =
            |link: *const Link| elements.iter().position(|e| ptr::eq(e, link)).unwrap() as u64;
        let list = List::new();
        list.sort(&place);
        let (now, then): (Vec<_>, Vec<_>) = (0..100).map(|i| i * 37 % 100).partition(|i| i % 3 > 0);
        for i in now {
            // SAFETY: the elements outlive the list.
            unsafe { list.push_back(&elements[i]) };
        }
        list.sort(&place);
        let mut steps = 10_000;
        for i in then {
            // SAFETY: as above.
            assert!(unsafe { list.insert(&elements[i], &place, &mut steps) });
        }
        assert_eq!(order(&list, &elements), Vec::from_iter(0..100));
        elements[3].unlink();
        elements[98].unlink();
        steps = 0;
        // SAFETY: as above.
        unsafe {
            assert!(!list.insert(&elements[3], &place, &mut steps));
            steps = 1;
            assert!(list.insert(&elements[98], &place, &mut steps));
        }
        assert_eq!(steps, 0);
    }
}
