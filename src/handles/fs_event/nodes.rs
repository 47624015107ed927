//! The directories of a recursive watch, in one array.
//!
//! A node has the name of its directory and the index of its parent, so a directory that is renamed keeps its
//! node, and so do all below it. There is no path to keep up to date. A node takes 32 bytes, its name and two
//! more, and 4 to 8 in the index of watch descriptors.

use crate::abi::*;
use crate::memory::Array;
use core::ffi::{c_int, CStr};

pub const NONE: u32 = u32::MAX;
/// The watched directory itself.
pub const ROOT: u32 = 0;
/// The parent of nodes that are no longer in the tree, and whose watches are still to be removed.
const REMOVED: u32 = 1;

/// The watch descriptor of a node that is not watched.
const NO_WATCH: c_int = -1;

#[derive(Clone, Copy)]
struct Node {
    watch: c_int,
    /// `NONE` for the root, `REMOVED` and an unused node.
    parent: u32,
    /// Where its name is in `names`, `NONE` if it has none.
    name: u32,
    first_child: u32,
    previous: u32,
    next: u32,
    /// The next node in the same bucket of the index; of a node without a watch the next one in the list of
    /// nodes to visit or of unused ones.
    chain: u32,
    /// The latest scan of the whole tree that found the directory.
    round: u32,
}

const EMPTY: Node = Node {
    watch: NO_WATCH,
    parent: NONE,
    name: NONE,
    first_child: NONE,
    previous: NONE,
    next: NONE,
    chain: NONE,
    round: 0,
};

pub struct Nodes {
    nodes: Array<Node>,
    unused: u32,
    /// The nodes whose directories are still to be opened: a stack.
    to_visit: u32,
    /// The watched nodes by watch descriptor: a hash table with chains. Empty, or a power of two.
    buckets: Array<u32>,
    watched: usize,
    /// The length of each name, in two bytes, and the name.
    names: Array<u8>,
    /// How many bytes of `names` are of no node.
    garbage: usize,
    round: u32,
}

/// `names` is compacted when it has more garbage than this, and more than names.
const GARBAGE: usize = 4096;

impl Nodes {
    pub const fn new() -> Nodes {
        Nodes {
            nodes: Array::new(),
            unused: NONE,
            to_visit: NONE,
            buckets: Array::new(),
            watched: 0,
            names: Array::new(),
            garbage: 0,
            round: 0,
        }
    }

    /// Drops all nodes and makes that of the root, without a watch.
    pub fn reset(&mut self) -> Result {
        *self = Nodes::new();
        self.nodes.push(EMPTY)?;
        self.nodes.push(EMPTY)
    }

    fn at(&mut self, node: u32) -> &mut Node {
        &mut self.nodes[node as usize]
    }

    pub fn watch(&self, node: u32) -> c_int {
        self.nodes[node as usize].watch
    }

    pub fn parent(&self, node: u32) -> u32 {
        self.nodes[node as usize].parent
    }

    fn name(&self, node: u32) -> &[u8] {
        let Ok(at) = usize::try_from(self.nodes[node as usize].name as i32) else { return &[] };
        let length = u16::from_ne_bytes([self.names[at], self.names[at + 1]]);
        &self.names[at + 2..at + 2 + usize::from(length)]
    }

    // ---- the tree -----------------------------------------------------------------------------

    /// Adds a directory to those to visit.
    pub fn add(&mut self, parent: u32, name: &[u8]) -> Result {
        self.tidy_names()?;
        let at = self.names.len();
        let length = u16::try_from(name.len()).map_err(|_| Error::ENAMETOOLONG)?;
        self.names.reserve(name.len() + 2)?;
        self.names.extend_from_slice(&length.to_ne_bytes())?;
        self.names.extend_from_slice(name)?;
        self.add_named(parent, at)
    }

    /// Adds the place of a node to those to visit.
    pub fn add_place_of(&mut self, node: u32) -> Result {
        self.tidy_names()?;
        let at = self.names.len();
        let name = self.nodes[node as usize].name as usize;
        let size = self.name(node).len() + 2;
        self.names.reserve(size)?;
        for byte in name..name + size {
            self.names.push(self.names[byte])?;
        }
        self.add_named(self.parent(node), at)
    }

    /// Adds a directory whose name is at this place of `names`.
    fn add_named(&mut self, parent: u32, name: usize) -> Result {
        // Half of the range, so that NONE is no place.
        let name = i32::try_from(name).map_err(|_| Error::ENOMEM)? as u32;
        let node = match self.unused {
            NONE => {
                let node = u32::try_from(self.nodes.len()).map_err(|_| Error::ENOMEM)?;
                self.nodes.push(EMPTY)?;
                node
            }
            node => {
                self.unused = self.at(node).chain;
                node
            }
        };
        *self.at(node) = Node { name, chain: self.to_visit, ..EMPTY };
        self.to_visit = node;
        self.link(node, parent);
        Ok(())
    }

    /// Takes the directory that was added last off those to visit.
    pub fn next_to_visit(&mut self) -> Option<u32> {
        let node = self.to_visit;
        if node == NONE {
            return None;
        }
        self.to_visit = self.at(node).chain;
        Some(node)
    }

    fn link(&mut self, node: u32, parent: u32) {
        let next = self.at(parent).first_child;
        if next != NONE {
            self.at(next).previous = node;
        }
        self.at(parent).first_child = node;
        *self.at(node) = Node { parent, previous: NONE, next, ..*self.at(node) };
    }

    fn unlink(&mut self, node: u32) {
        let Node { parent, previous, next, .. } = *self.at(node);
        match previous {
            NONE => self.at(parent).first_child = next,
            previous => self.at(previous).next = next,
        }
        if next != NONE {
            self.at(next).previous = previous;
        }
    }

    /// Returns whether `node` is `ancestor` or below it.
    pub fn is_within(&self, mut node: u32, ancestor: u32) -> bool {
        while node != NONE && node != ancestor {
            node = self.parent(node);
        }
        node == ancestor
    }

    pub fn same_place(&self, one: u32, other: u32) -> bool {
        self.parent(one) == self.parent(other) && self.name(one) == self.name(other)
    }

    /// Moves `node` to the place of `other`, which has neither a watch nor children, and is freed.
    pub fn take_place(&mut self, node: u32, other: u32) {
        let parent = self.parent(other);
        self.unlink(node);
        self.link(node, parent);
        let name = self.at(other).name;
        self.at(other).name = core::mem::replace(&mut self.at(node).name, name);
        self.free(other);
    }

    /// Frees a node without children and without a watch.
    pub fn free(&mut self, node: u32) {
        self.unlink(node);
        self.garbage += self.name(node).len() + 2;
        *self.at(node) = Node { chain: self.unused, ..EMPTY };
        self.unused = node;
    }

    /// Removes a node and all below it from the tree. Their watches come from [`Nodes::next_removed`].
    pub fn remove(&mut self, node: u32) {
        self.unlink(node);
        self.link(node, REMOVED);
    }

    /// Frees a removed node, and returns its watch if it has one.
    pub fn next_removed(&mut self) -> Option<Option<c_int>> {
        let node = self.at(REMOVED).first_child;
        if node == NONE {
            return None;
        }
        let child = self.at(node).first_child;
        if child != NONE {
            self.remove(child);
            return Some(None);
        }
        let watch = self.watch(node);
        self.clear_watch(node);
        self.free(node);
        Some((watch != NO_WATCH).then_some(watch))
    }

    // ---- the index of watches -----------------------------------------------------------------

    fn bucket(&self, watch: c_int) -> usize {
        watch as usize & self.buckets.len().wrapping_sub(1)
    }

    pub fn find(&self, watch: c_int) -> Option<u32> {
        let mut node = *self.buckets.get(self.bucket(watch))?;
        while node != NONE && self.watch(node) != watch {
            node = self.nodes[node as usize].chain;
        }
        (node != NONE).then_some(node)
    }

    /// Notes the watch descriptor of a node. It has none yet, and no other node has this one.
    pub fn set_watch(&mut self, node: u32, watch: c_int) -> Result {
        if self.watched >= self.buckets.len() {
            self.grow()?;
        }
        self.watched += 1;
        self.at(node).watch = watch;
        self.index(node);
        Ok(())
    }

    fn index(&mut self, node: u32) {
        let bucket = self.bucket(self.watch(node));
        self.at(node).chain = self.buckets[bucket];
        self.buckets[bucket] = node;
    }

    fn grow(&mut self) -> Result {
        let mut buckets = Array::new();
        buckets.resize((self.buckets.len() * 2).max(8), NONE)?;
        self.buckets = buckets;
        for node in 0..self.nodes.len() as u32 {
            if self.watch(node) != NO_WATCH {
                self.index(node);
            }
        }
        Ok(())
    }

    /// Notes that a node has no watch any more.
    pub fn clear_watch(&mut self, node: u32) {
        let watch = core::mem::replace(&mut self.at(node).watch, NO_WATCH);
        if watch == NO_WATCH {
            return;
        }
        self.watched -= 1;
        let after = self.at(node).chain;
        let bucket = self.bucket(watch);
        if self.buckets[bucket] == node {
            self.buckets[bucket] = after;
            return;
        }
        let mut before = self.buckets[bucket];
        while self.at(before).chain != node {
            before = self.at(before).chain;
        }
        self.at(before).chain = after;
    }

    // ---- scans of the whole tree --------------------------------------------------------------

    pub fn begin_round(&mut self) {
        self.round = self.round.wrapping_add(1);
    }

    /// Notes that the current scan has found the directory of a node.
    pub fn mark_found(&mut self, node: u32) {
        self.at(node).round = self.round;
    }

    /// Removes all nodes whose directories the scan has not found.
    pub fn remove_missing(&mut self) {
        for node in REMOVED + 1..self.nodes.len() as u32 {
            let Node { parent, round, .. } = *self.at(node);
            if round != self.round && parent != NONE && parent != REMOVED {
                self.remove(node);
            }
        }
    }

    // ---- names --------------------------------------------------------------------------------

    fn tidy_names(&mut self) -> Result {
        if self.garbage > GARBAGE && self.garbage > self.names.len() / 2 {
            self.compact()?;
        }
        Ok(())
    }

    fn compact(&mut self) -> Result {
        let mut names = Array::new();
        names.reserve(self.names.len() - self.garbage)?;
        for node in 0..self.nodes.len() as u32 {
            if self.at(node).name == NONE {
                continue;
            }
            let at = names.len() as u32;
            let name = self.name(node);
            names.extend_from_slice(&(name.len() as u16).to_ne_bytes())?;
            names.extend_from_slice(name)?;
            self.at(node).name = at;
        }
        self.names = names;
        self.garbage = 0;
        Ok(())
    }

    /// Writes `prefix`, the path of a node, or of an entry of its directory, relative to the root, and a NUL.
    /// Returns false if the node is not in the tree any more.
    pub fn path(
        &self,
        prefix: &[u8],
        node: u32,
        entry: Option<&CStr>,
        out: &mut Array<u8>,
    ) -> Result<bool> {
        let entry = entry.map(CStr::to_bytes);
        let mut length = prefix.len() + entry.map_or(0, |entry| entry.len() + 1);
        let mut at = node;
        while at != ROOT {
            if at == NONE {
                return Ok(false);
            }
            length += self.name(at).len() + 1;
            at = self.parent(at);
        }
        // The NUL, unless there is a slash too many.
        length += usize::from(length == prefix.len());
        out.resize(length, 0)?;
        out[..prefix.len()].copy_from_slice(prefix);
        out[prefix.len()..].fill(b'/');
        // From the end: the last place is that of the NUL.
        let mut end = length;
        let mut put = |name: &[u8]| {
            end -= name.len() + 1;
            out[end..end + name.len()].copy_from_slice(name);
        };
        if let Some(entry) = entry {
            put(entry);
        }
        at = node;
        while at != ROOT {
            put(self.name(at));
            at = self.parent(at);
        }
        out[length - 1] = 0;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Nodes {
        let mut nodes = Nodes::new();
        nodes.reset().unwrap();
        nodes.set_watch(ROOT, 1).unwrap();
        nodes
    }

    /// Adds a directory with this watch.
    fn add(nodes: &mut Nodes, parent: u32, name: &str, watch: c_int) -> u32 {
        nodes.add(parent, name.as_bytes()).unwrap();
        let node = nodes.next_to_visit().unwrap();
        nodes.set_watch(node, watch).unwrap();
        node
    }

    fn path(nodes: &Nodes, node: u32) -> Option<String> {
        let mut out = Array::new();
        let found = nodes.path(b"", node, None, &mut out).unwrap();
        found.then(|| CStr::from_bytes_with_nul(&out).unwrap().to_str().unwrap().to_owned())
    }

    #[test]
    fn paths_follow_renames() {
        let mut nodes = tree();
        let a = add(&mut nodes, ROOT, "a", 2);
        let b = add(&mut nodes, a, "b", 3);
        let c = add(&mut nodes, b, "c", 4);
        assert_eq!(path(&nodes, c).as_deref(), Some("a/b/c"));
        assert_eq!(path(&nodes, ROOT).as_deref(), Some(""));
        let mut out = Array::new();
        assert_eq!(nodes.path(b"/root/", b, Some(c"file"), &mut out), Ok(true));
        assert_eq!(&*out, b"/root/a/b/file\0");
        assert_eq!(nodes.path(b"/root/", ROOT, None, &mut out), Ok(true));
        assert_eq!(&*out, b"/root/\0");

        // `b` is found as `moved` below the root.
        nodes.add(ROOT, b"moved").unwrap();
        let place = nodes.next_to_visit().unwrap();
        assert!(!nodes.same_place(b, place));
        nodes.take_place(b, place);
        assert_eq!(path(&nodes, c).as_deref(), Some("moved/c"));
        nodes.add_place_of(b).unwrap();
        let place = nodes.next_to_visit().unwrap();
        assert!(nodes.same_place(b, place));
        assert!(nodes.is_within(c, b) && nodes.is_within(b, b) && !nodes.is_within(a, b));
    }

    #[test]
    fn removed_nodes_return_their_watches() {
        let mut nodes = tree();
        let a = add(&mut nodes, ROOT, "a", 2);
        let b = add(&mut nodes, a, "b", 3);
        add(&mut nodes, b, "c", 4);
        let other = add(&mut nodes, ROOT, "other", 5);
        nodes.remove(a);
        assert_eq!(path(&nodes, b), None);
        let removed: Vec<_> = core::iter::from_fn(|| nodes.next_removed()).flatten().collect();
        assert_eq!(removed, [4, 3, 2]);
        assert_eq!((nodes.find(3), nodes.find(5)), (None, Some(other)));
    }

    #[test]
    fn a_scan_removes_what_it_does_not_find() {
        let mut nodes = tree();
        let a = add(&mut nodes, ROOT, "a", 2);
        let b = add(&mut nodes, a, "b", 3);
        let gone = add(&mut nodes, a, "gone", 4);
        nodes.begin_round();
        nodes.mark_found(a);
        nodes.mark_found(b);
        nodes.remove_missing();
        assert_eq!(path(&nodes, b).as_deref(), Some("a/b"));
        assert_eq!(path(&nodes, gone), None);
    }

    /// Compares with a list of paths while directories come, go and move.
    #[test]
    fn many_directories() {
        let steps = if cfg!(miri) { 100 } else { 20_000 };
        let mut nodes = tree();
        let mut known: Vec<(u32, c_int, String)> = Vec::new();
        let mut state = 1u32;
        let mut random = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % below
        };
        for step in 0..steps {
            let name = format!("{}-{step}", "n".repeat(random(40)));
            if known.len() < 40 || random(3) == 0 {
                let (parent, prefix) = match known.len() {
                    0 => (ROOT, String::new()),
                    len => {
                        let (node, _, path) = &known[random(len)];
                        (*node, format!("{path}/"))
                    }
                };
                let watch = step + 2;
                known.push((add(&mut nodes, parent, &name, watch), watch, prefix + &name));
            } else {
                let (node, _, path) = known.swap_remove(random(known.len()));
                nodes.remove(node);
                let below = format!("{path}/");
                known.retain(|(_, _, path)| !path.starts_with(&below));
                while nodes.next_removed().is_some() {}
            }
        }
        assert_eq!(nodes.watched, known.len() + 1);
        for (node, watch, expected) in &known {
            assert_eq!(nodes.find(*watch), Some(*node));
            assert_eq!(path(&nodes, *node).as_ref(), Some(expected));
        }
        assert!(nodes.names.len() < 3 * GARBAGE + known.len() * 100);
    }
}
