//! An intrusive pairing heap.
//!
//! Each element is ordered before its children, which are an unordered list. Two heaps are joined by
//! making the later root the first child of the other, so an insertion is one comparison, and removing an
//! element without children unlinks it from a list. Removing the root joins its children in pairs and
//! then the pairs: O(log n) amortized over the insertions.

use super::Node;
use core::cell::Cell;
use core::ptr;

/// Zeroed memory is an empty heap.
pub struct Heap {
    root: Cell<*const Node>,
}

impl Node {
    fn key(&self) -> (u64, u64) {
        (self.due.get(), self.sequence.get())
    }

    fn next(&self) -> *const Node {
        self.link.next.get().cast()
    }

    fn set_next(&self, next: *const Node) {
        self.link.next.set(next.cast());
    }

    fn set_prev(&self, prev: *const Node) {
        self.link.prev.set(prev.cast());
    }
}

/// Joins two heaps. The links of the roots to siblings are neither read nor valid afterwards.
///
/// # Safety
/// `a` and `b` are alive, as are all elements below them.
unsafe fn join(a: *const Node, b: *const Node) -> *const Node {
    // SAFETY: as documented.
    unsafe {
        let (parent, child) = if (*b).key() < (*a).key() { (b, a) } else { (a, b) };
        let sibling = (*parent).child.replace(child);
        (*child).set_next(sibling);
        (*child).set_prev(parent);
        if !sibling.is_null() {
            (*sibling).set_prev(child);
        }
        parent
    }
}

/// Joins the children of one parent into a heap. Returns NULL if there are none.
///
/// # Safety
/// As for [`join`], for all of the siblings.
unsafe fn join_siblings(mut first: *const Node) -> *const Node {
    // SAFETY: all siblings are alive, and `next` of a sibling is a sibling or NULL.
    unsafe {
        // Joins pairs from left to right and pushes them on a stack linked by `next`.
        let mut pairs = ptr::null();
        while let Some(a) = first.as_ref() {
            let mut pair = first;
            first = a.next();
            if let Some(b) = first.as_ref() {
                first = b.next();
                pair = join(a, b);
            }
            (*pair).set_next(pairs);
            pairs = pair;
        }
        // Joins the pairs from right to left.
        let Some(last) = pairs.as_ref() else { return pairs };
        let mut root = pairs;
        pairs = last.next();
        while let Some(pair) = pairs.as_ref() {
            pairs = pair.next();
            root = join(root, pair);
        }
        root
    }
}

impl Heap {
    pub const fn new() -> Self {
        Heap { root: Cell::new(ptr::null()) }
    }

    pub fn is_empty(&self) -> bool {
        self.root.get().is_null()
    }

    pub fn first_due(&self) -> Option<u64> {
        // SAFETY: the root is NULL or an element, which is alive.
        unsafe { self.root.get().as_ref() }.map(|root| root.due.get())
    }

    /// # Safety
    /// `node` is in no heap and no list, and stays alive and in place until it is removed.
    pub unsafe fn insert(&self, node: &Node) {
        node.child.set(ptr::null());
        // SAFETY: a node without children, which is in no heap as documented.
        unsafe { self.join_root(node) };
    }

    /// Removes an element, whose links are cleared.
    ///
    /// # Safety
    /// `node` is in this heap.
    pub unsafe fn remove(&self, node: &Node) {
        // SAFETY: parent, siblings and children of an element are elements, which are alive.
        unsafe {
            let below = join_siblings(node.child.get());
            if ptr::eq(self.root.get(), node) {
                self.root.set(below);
            } else {
                let (prev, next) = (node.link.prev.get().cast::<Node>(), node.next());
                if ptr::eq((*prev).child.get(), node) {
                    (*prev).child.set(next);
                } else {
                    (*prev).set_next(next);
                }
                if !next.is_null() {
                    (*next).set_prev(prev);
                }
                if !below.is_null() {
                    self.join_root(below);
                }
            }
        }
        node.link.clear();
    }

    /// Removes the first element.
    pub fn pop(&self) -> Option<*const Node> {
        let first = self.root.get();
        // SAFETY: the root is NULL or an element of this heap.
        unsafe { self.remove(first.as_ref()?) };
        Some(first)
    }

    /// # Safety
    /// `other` is the root of a heap whose elements are alive and not in this one.
    unsafe fn join_root(&self, other: *const Node) {
        let root = self.root.get();
        // SAFETY: `other` as documented; the elements of this heap are alive.
        self.root.set(if root.is_null() { other } else { unsafe { join(root, other) } });
    }
}
