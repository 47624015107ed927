//! A lock-free stack of list links: many threads push, one thread takes.

use crate::list::{Link, List};
use crate::sync::atomic::{AtomicPtr, Ordering};
use core::ptr;

/// An intrusive list onto which any thread or signal handler pushes without a lock, and which one thread
/// at a time empties. Elements are the same [`Link`]s as those of a [`List`]. On the stack only `next`
/// is used.
///
/// Before it blocks, the thread that empties the stack can put a sentinel on it if it is empty. The
/// thread that replaces the sentinel has to wake it. So pushing and finding that out is one operation.
///
/// Only the whole stack is taken, with a swap, so a compare-exchange that succeeds because an element
/// was taken and pushed again meanwhile (ABA) still links to the current top.
pub struct Stack {
    top: AtomicPtr<Link>,
}

/// Not the address of any element.
const SENTINEL: *mut Link = ptr::without_provenance_mut(1);

impl Stack {
    /// Makes an empty stack of a null pointer. The caller makes that, as loom's type has no constant for
    /// it.
    pub const fn new(top: AtomicPtr<Link>) -> Self {
        Stack { top }
    }

    /// Pushes an element. Returns whether it replaced the sentinel.
    ///
    /// # Safety
    /// `element` is in no list, no other thread accesses it, and it stays alive and in place until it
    /// was taken.
    pub unsafe fn push(&self, element: *const Link) -> bool {
        let mut top = self.top.load(Ordering::Relaxed);
        loop {
            let next = if top == SENTINEL { ptr::null() } else { top.cast_const() };
            // SAFETY: it is alive, and this thread's alone until the exchange succeeds.
            unsafe { (*element).next.set(next) };
            match self.top.compare_exchange_weak(
                top,
                element.cast_mut(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return top == SENTINEL,
                Err(now) => top = now,
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        let top = self.top.load(Ordering::Relaxed);
        top.is_null() || top == SENTINEL
    }

    /// Puts the sentinel on the stack, if it is not there yet. Returns false if there are elements:
    /// their threads do not wake this one.
    pub fn put_sentinel(&self) -> bool {
        self.exchange(ptr::null_mut(), SENTINEL) || self.has_sentinel()
    }

    pub fn has_sentinel(&self) -> bool {
        self.top.load(Ordering::Relaxed) == SENTINEL
    }

    /// Removes the sentinel. Returns false if it is not there, or was replaced.
    pub fn remove_sentinel(&self) -> bool {
        self.has_sentinel() && self.exchange(SENTINEL, ptr::null_mut())
    }

    fn exchange(&self, from: *mut Link, to: *mut Link) -> bool {
        self.top.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Takes all elements and appends them to `list` in the order of their pushes. Returns their number.
    pub fn take_into(&self, list: &List) -> usize {
        self.take().append_to(list)
    }

    /// Takes all elements.
    pub fn take(&self) -> Chain {
        if self.is_empty() {
            return Chain::EMPTY;
        }
        self.take_in_order()
    }

    /// Takes all elements, and removes the sentinel. A thread that pushes later sees everything that was
    /// written before this call.
    pub fn take_in_order(&self) -> Chain {
        let newest = self.top.swap(ptr::null_mut(), Ordering::AcqRel);
        if newest == SENTINEL {
            Chain::EMPTY
        } else {
            Chain { newest }
        }
    }
}

/// Elements that were taken off a [`Stack`] and are in no list yet.
pub struct Chain {
    newest: *const Link,
}

impl Chain {
    pub const EMPTY: Chain = Chain { newest: ptr::null() };

    /// Prefetches the newest element.
    pub fn prefetch(&self) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: a prefetch is a hint, valid for any address. Every x86-64 processor has it.
        unsafe {
            use core::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
            _mm_prefetch::<_MM_HINT_T0>(self.newest.cast());
        }
    }

    /// Appends the elements to `list` in the order of their pushes. Returns their number.
    pub fn append_to(self, list: &List) -> usize {
        // SAFETY: pushed elements stay alive and in place, and are in no list. Taking them acquired
        // what their threads wrote.
        unsafe { list.append_reversed(self.newest) }
    }
}

// Loom's atomics work in its models only.
#[cfg(all(test, not(loom)))]
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
}
