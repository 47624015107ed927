//! A lock-free stack of list links: many threads push, one thread takes.

use crate::list::{Link, List};
use crate::sync::atomic::{AtomicPtr, Ordering};
use core::ptr;

/// A list that any thread, or a signal handler, may add to without a lock, and that one thread at a
/// time empties. Elements are the same [`Link`]s; while on the stack only `next` is in use.
///
/// Whoever empties it can leave a mark in it when it is empty, before it goes to sleep: the thread
/// that pushes on the mark has to wake it. So it takes one operation to push and to find that out.
pub struct Stack {
    top: AtomicPtr<Link>,
}

/// No element is at this address.
const SENTINEL: *mut Link = ptr::without_provenance_mut(1);

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
            let next = if top == SENTINEL { ptr::null() } else { top.cast_const() };
            // SAFETY: the caller's contract: nobody else looks at `element` before it is pushed.
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

    /// Leaves the mark, which may be there already. False when there are elements: they were pushed
    /// without anybody being woken.
    pub fn put_sentinel(&self) -> bool {
        self.exchange(ptr::null_mut(), SENTINEL) || self.has_sentinel()
    }

    pub fn has_sentinel(&self) -> bool {
        self.top.load(Ordering::Relaxed) == SENTINEL
    }

    /// Takes the mark away; false when it is not there, or not any more.
    pub fn remove_sentinel(&self) -> bool {
        self.has_sentinel() && self.exchange(SENTINEL, ptr::null_mut())
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
        // SAFETY: pushed elements are alive, and this thread's alone since they were taken.
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
