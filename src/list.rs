//! Intrusive doubly-linked lists.
//!
//! The library may not allocate for a handle or a request that its user allocated, and an element must
//! leave a list in O(1) when its handle is closed or its request cancelled. So the links are in the
//! private area of the C struct, and a list is a ring through its head. A list does not own its
//! elements: linking one guarantees that it stays alive and in place until it is unlinked.
//!
//! # Aliasing
//!
//! Both neighbours of an element point to it and write through these pointers. A `&mut` to an element,
//! to a head, or to a struct that contains one would claim that no such pointers exist. The compiler
//! relies on that (`noalias`), also for a `&mut self` that does not touch the link. Therefore:
//!
//! - All methods take `&self`, and the pointers in a [`Link`] are `Cell`s.
//! - Nothing makes a `&mut` to memory that contains a linked `Link`. A struct with a list in it has
//!   `&self` methods and cells for the rest, even where a lock would make `&mut` possible.
//! - `PhantomPinned` makes `Link`, and each struct that contains one, `!Unpin`. Where a `&mut` of such a
//!   struct is unavoidable, as that of a local variable, the compiler does not mark it `noalias`. Tokio's
//!   linked list relies on the same.
//!
//! `container_of!` reaches the struct around a link with a pointer that was made from a reference to the
//! link. Tree Borrows allows that; Stacked Borrows does not.

use crate::ffi::interior_mutable;
use core::cell::Cell;
use core::marker::PhantomPinned;
use core::ptr;

/// An element's place in a list, or the head of a list.
///
/// NULL pointers mean "in no list", or an empty list, so zeroed memory is a valid, unlinked `Link`.
#[repr(C)]
pub struct Link {
    pub(crate) next: Cell<*const Link>,
    pub(crate) prev: Cell<*const Link>,
    /// Neighbours point here. See the module's documentation.
    _pin: PhantomPinned,
}

interior_mutable!(Link { next, prev, _pin });
interior_mutable!(List { head });

impl Link {
    pub const fn new() -> Self {
        Link { next: Cell::new(ptr::null()), prev: Cell::new(ptr::null()), _pin: PhantomPinned }
    }

    /// Returns whether the element is in a list. An element of a stack, which sets `next` only, is not.
    pub fn is_linked(&self) -> bool {
        !self.prev.get().is_null()
    }

    /// Removes the element from the list that it is in, if any.
    pub fn unlink(&self) {
        if !self.is_linked() {
            return;
        }
        // SAFETY: it is in a list.
        unsafe { self.unlink_linked() };
    }

    /// Removes the element from the list that it is in.
    ///
    /// # Safety
    /// It is in a list.
    pub unsafe fn unlink_linked(&self) {
        debug_assert!(self.is_linked());
        let (next, prev) = (self.next.get(), self.prev.get());
        // SAFETY: the neighbours of a linked element are linked, and linked elements are alive.
        unsafe {
            if ptr::eq(next, prev) {
                // The only element: both are the head.
                (*next).clear();
            } else {
                (*prev).next.set(next);
                (*next).prev.set(prev);
            }
        }
        self.clear();
    }

    pub(crate) fn clear(&self) {
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

    // One comparison, as the loop asks this of a dozen lists in each iteration.
    pub fn is_empty(&self) -> bool {
        self.head.next.get().is_null()
    }

    /// Returns the last element, or the head.
    fn end(&self) -> *const Link {
        let last = self.head.prev.get();
        if last.is_null() {
            &raw const self.head
        } else {
            last
        }
    }

    /// # Safety
    /// `element` is in no list, and stays alive and in place until it is unlinked.
    pub unsafe fn push_back(&self, element: &Link) {
        debug_assert!(!element.is_linked());
        let last = self.end();
        element.next.set(&raw const self.head);
        element.prev.set(last);
        // SAFETY: `last` is the head or a linked element.
        unsafe { (*last).next.set(element) };
        self.head.prev.set(element);
    }

    /// # Safety
    /// As for [`List::push_back`].
    pub unsafe fn push_front(&self, element: &Link) {
        debug_assert!(!element.is_linked());
        let first = self.front().unwrap_or(&raw const self.head);
        element.next.set(first);
        element.prev.set(&raw const self.head);
        // SAFETY: `first` is the head or a linked element.
        unsafe { (*first).prev.set(element) };
        self.head.next.set(element);
    }

    pub fn front(&self) -> Option<*const Link> {
        (!self.is_empty()).then(|| self.head.next.get())
    }

    pub fn back(&self) -> Option<*const Link> {
        (!self.is_empty()).then(|| self.head.prev.get())
    }

    pub fn pop_front(&self) -> Option<*const Link> {
        let first = self.front()?;
        // SAFETY: an element of the list is alive.
        unsafe {
            self.remove_front(first);
            (*first).clear();
        }
        Some(first)
    }

    /// Removes the first element, whose pointers stay.
    ///
    /// # Safety
    /// `first` is the first element.
    unsafe fn remove_front(&self, first: *const Link) {
        // SAFETY: as documented; an element of the list is alive, as is the next.
        unsafe {
            let next = (*first).next.get();
            if ptr::eq(next, &raw const self.head) {
                self.head.clear();
            } else {
                self.head.next.set(next);
                (*next).prev.set(&raw const self.head);
            }
        }
    }

    /// Returns the element after `element`.
    ///
    /// # Safety
    /// `element` is linked in this list.
    pub unsafe fn after(&self, element: *const Link) -> Option<*const Link> {
        // SAFETY: as documented; a linked element is alive.
        let next = unsafe { (*element).next.get() };
        (!ptr::eq(next, &raw const self.head)).then_some(next)
    }

    /// Returns the element before `element`.
    ///
    /// # Safety
    /// `element` is linked in this list.
    pub unsafe fn before(&self, element: *const Link) -> Option<*const Link> {
        // SAFETY: as documented; a linked element is alive.
        let before = unsafe { (*element).prev.get() };
        (!ptr::eq(before, &raw const self.head)).then_some(before)
    }

    pub fn len(&self) -> usize {
        // SAFETY: the successor of an element of the list is one, too.
        core::iter::successors(self.front(), |&link| unsafe { self.after(link) }).count()
    }

    /// Moves the first element to the end of `target`.
    pub fn move_front_to(&self, target: &List) -> Option<*const Link> {
        let first = self.front()?;
        // SAFETY: an element of a list is alive, as are its neighbours and the last of `target`.
        unsafe {
            self.remove_front(first);
            let last = target.end();
            (*first).next.set(&raw const target.head);
            (*first).prev.set(last);
            (*last).next.set(first);
        }
        target.head.prev.set(first);
        Some(first)
    }

    /// Moves all elements to the end of `target`. While `target` is processed, callbacks may add to this
    /// list for the next round.
    pub fn move_to(&self, target: &List) {
        let Some(first) = self.front() else { return };
        let last = self.head.prev.get();
        let before = target.end();
        // SAFETY: `first`, `last` and `before` are linked elements or heads.
        unsafe {
            (*before).next.set(first);
            (*first).prev.set(before);
            (*last).next.set(&raw const target.head);
        }
        target.head.prev.set(last);
        self.head.clear();
    }

    /// Moves all elements of `others` to the beginning of this list.
    pub fn prepend(&self, others: &List) {
        self.move_to(others);
        others.move_to(self);
    }

    /// Appends elements that are chained by `next` from the newest to the oldest, the oldest first.
    /// Returns how many there were.
    ///
    /// # Safety
    /// As for [`List::push_back`], for each element of the chain; the oldest one's `next` is null.
    pub unsafe fn append_reversed(&self, newest: *const Link) -> usize {
        let mut link = newest;
        if link.is_null() {
            return 0;
        }
        let last = self.end();
        let mut newer: *const Link = &raw const self.head;
        let mut count = 0;
        while !link.is_null() {
            // SAFETY: `link` is an element of the chain, `newer` the head or the element before.
            unsafe {
                let older = (*link).next.replace(newer);
                (*newer).prev.set(link);
                newer = link;
                link = older;
            }
            count += 1;
        }
        // SAFETY: `newer` is the oldest element, `last` the head or a linked element.
        unsafe {
            (*newer).prev.set(last);
            (*last).next.set(newer);
        }
        count
    }

    /// Sorts the elements by their keys, in O(n log n) comparisons.
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

    /// Inserts an element into a sorted list, searching from the end. Each step decrements `steps`;
    /// returns false without inserting when none are left.
    ///
    /// # Safety
    /// As for [`List::push_back`].
    pub unsafe fn insert(
        &self,
        element: &Link,
        key: &impl Fn(*const Link) -> u64,
        steps: &mut usize,
    ) -> bool {
        if self.is_empty() {
            // SAFETY: as documented.
            unsafe { self.push_back(element) };
            return true;
        }
        let mut before = self.head.prev.get();
        while !ptr::eq(before, &raw const self.head) && key(before) > key(element) {
            if *steps == 0 {
                return false;
            }
            *steps -= 1;
            // SAFETY: `before` is an element of the list.
            before = unsafe { (*before).prev.get() };
        }
        // SAFETY: `before` is the head or a linked element, hence so is its successor.
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

/// Converts a pointer to the link at `$field` into one to the struct that contains it.
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
        // SAFETY: the elements outlive the list.
        unsafe { list.push_front(&elements[4]) };
        assert_eq!(order(&list, &elements), [4, 0, 1, 2, 3]);
        elements[1].unlink();
        elements[1].unlink();
        elements[3].unlink();
        assert_eq!(order(&list, &elements), [4, 0, 2]);

        let other = List::new();
        list.move_to(&other);
        assert!(list.is_empty());
        // SAFETY: the elements outlive the list.
        unsafe { list.push_back(&elements[1]) };
        assert_eq!(order(&other, &elements), [4, 0, 2]);
        assert_eq!(order(&list, &elements), [1]);
        list.move_to(&other);
        assert_eq!(order(&other, &elements), [4, 0, 2, 1]);
        assert!(ptr::eq(other.pop_front().unwrap(), &raw const elements[4]));
        other.pop_front();
        other.pop_front();
        other.pop_front();
        assert!(other.pop_front().is_none() && !elements[0].is_linked());
    }

    #[test]
    fn sorts_in_n_log_n_comparisons() {
        const COUNT: usize = if cfg!(miri) { 16 } else { 128 };
        let elements: [Link; COUNT] = core::array::from_fn(|_| Link::new());
        let looks = Cell::new(0);
        let place = |link: *const Link| {
            looks.set(looks.get() + 1);
            elements.iter().position(|e| ptr::eq(e, link)).unwrap() as u64
        };
        for step in [1, 37, 63, 127] {
            let list = List::new();
            for i in 0..COUNT {
                // SAFETY: the elements outlive the list, which is emptied below.
                unsafe { list.push_back(&elements[i * step % COUNT]) };
            }
            looks.set(0);
            list.sort(&place);
            // Each comparison looks at two elements.
            let limit = 2 * (2 * COUNT * COUNT.ilog2() as usize);
            assert!(looks.get() <= limit, "{} looks for step {step}", looks.get());
            assert_eq!(order(&list, &elements), Vec::from_iter(0..COUNT));
            while list.pop_front().is_some() {}
        }
    }

    #[test]
    fn prepends() {
        let elements: [Link; 4] = core::array::from_fn(|_| Link::new());
        let (list, others) = (List::new(), List::new());
        list.prepend(&others);
        assert!(list.is_empty() && list.back().is_none());
        for (list, elements) in [(&list, &elements[..2]), (&others, &elements[2..])] {
            // SAFETY: the elements outlive the lists.
            elements.iter().for_each(|e| unsafe { list.push_back(e) });
        }
        list.prepend(&others);
        assert!(others.is_empty());
        assert_eq!(order(&list, &elements), [2, 3, 0, 1]);
        assert!(list.back().is_some_and(|last| ptr::eq(last, &raw const elements[1])));
    }

    #[test]
    fn sorts_and_inserts() {
        const COUNT: usize = if cfg!(miri) { 20 } else { 100 };
        let elements: [Link; COUNT] = core::array::from_fn(|_| Link::new());
        let place =
            |link: *const Link| elements.iter().position(|e| ptr::eq(e, link)).unwrap() as u64;
        let list = List::new();
        list.sort(&place);
        let (now, then): (Vec<_>, Vec<_>) =
            (0..COUNT).map(|i| i * 37 % COUNT).partition(|i| i % 3 > 0);
        for i in now {
            // SAFETY: the elements outlive the list.
            unsafe { list.push_back(&elements[i]) };
        }
        list.sort(&place);
        let mut steps = 10_000;
        for i in then {
            // SAFETY: the elements outlive the list.
            assert!(unsafe { list.insert(&elements[i], &place, &mut steps) });
        }
        assert_eq!(order(&list, &elements), Vec::from_iter(0..COUNT));
        elements[3].unlink();
        elements[COUNT - 2].unlink();
        steps = 0;
        // SAFETY: the elements outlive the list.
        unsafe {
            assert!(!list.insert(&elements[3], &place, &mut steps));
            steps = 1;
            assert!(list.insert(&elements[COUNT - 2], &place, &mut steps));
        }
        assert_eq!(steps, 0);
    }
}
