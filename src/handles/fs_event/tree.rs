//! Recursive watches: `UV_FS_EVENT_RECURSIVE`.
//!
//! A [`Tree`] has an inotify instance of its own, so that it ends with one `close`, and one watch for each
//! directory. What comes after the first scan follows from three rules:
//!
//! - A directory is watched before it is read, so that what is made in it meanwhile is found or reported by the
//!   kernel, or both.
//! - A directory that appears is read, and so are those below it: one that was made, moved in, or has another
//!   name now. All that is found is reported.
//! - A directory is identified by its watch, not by the path that led to it: the file system is ahead of the
//!   events. It is in the tree where the kernel says that it is (`open_directory`), so it can be wrong only
//!   until the event of its move comes.
//!
//! A directory that was moved says so itself. If it is not where the tree has it, it has left the tree, or an
//! event to come brings it back.

use super::nodes::{Nodes, ROOT};
use super::{changes, file_name, FsEvent, BUFFER};
use crate::abi::*;
use crate::check;
use crate::event_loop::Loop;
use crate::ffi::{call_user, interior_mutable, padding, Padding};
use crate::handles::unread::{zeroed, Unread};
use crate::memory::{self, Array};
use crate::observe::layout::Callback;
use crate::poller::{EventHandler, Watcher};
use crate::sys::{self, directory, inotify};
use core::cell::{Cell, RefCell, RefMut, UnsafeCell};
use core::ffi::{c_char, c_int, CStr};
use core::mem::size_of;
use core::ptr;
use mio::event::Event;
use mio::Interest;

/// The size of the buffer of directory entries.
const ENTRIES: usize = 16 * 1024;

/// The most steps for one poll event, so that a large directory that appears does not block the loop. A step
/// is an event, an entry of a directory, or opening one.
const STEPS: usize = 2048;

/// How many watches are removed in a step. Each makes an event, so the queue is read in between.
const REMOVALS: usize = 64;

#[repr(C)]
pub struct Tree {
    /// Of the inotify instance.
    watcher: Watcher,
    handle: Cell<*const FsEvent>,
    /// As it was given.
    path: Cell<*mut c_char>,
    events: Cell<*const Unread<BUFFER>>,
    /// The directory being read; -1 if there is none.
    open: Cell<c_int>,
    /// Its node.
    reading: Cell<u32>,
    /// The rest of what was read of it. NULL if nothing is read.
    entries: Cell<*const Unread<ENTRIES>>,
    /// Whether the next directory is read again if it is known and in place.
    read_known: Cell<bool>,
    /// Whether all is being read again, after events were lost.
    rescanning: Cell<bool>,
    /// Whether a directory could not be opened in that.
    incomplete: Cell<bool>,
    /// Whether the first scan is over.
    started: Cell<bool>,
    padding: Padding<4>,
    state: UnsafeCell<RefCell<State>>,
}

interior_mutable!(Tree {
    watcher,
    handle,
    path,
    events,
    open,
    reading,
    entries,
    read_known,
    rescanning,
    incomplete,
    started,
    padding,
    state,
});

struct State {
    nodes: Nodes,
    /// The path of the watched directory when it was started, and a slash.
    root: Array<u8>,
    /// A path to open.
    path: Array<u8>,
}

impl State {
    /// Opens the directory of a node. Fails with `ENOENT` if it is not in the tree any more.
    fn open(&mut self, node: u32) -> Result<c_int> {
        match self.nodes.path(&self.root, node, None, &mut self.path)? {
            true => directory::open(&mut self.path),
            false => Err(Error::ENOENT),
        }
    }
}

/// The result of a step of reading directories: an entry of a directory, or one that cannot be watched.
struct Found<'a> {
    node: u32,
    entry: Option<&'a CStr>,
    result: Result,
}

/// The result of a step.
enum Step {
    /// There is nothing to do.
    Idle,
    Done,
    /// The handle is to be called back with the name that was written, these events and this status.
    Report(c_int, Result),
}

/// A directory that was opened.
struct Opened {
    fd: c_int,
    node: u32,
    /// Whether it was unknown, or known in another place.
    appeared: bool,
}

/// Returns whether the error is a limit, and not a reason to pass over a directory: one that is gone, replaced
/// or may not be read.
fn is_limit(error: Error) -> bool {
    matches!(error, Error::ENOSPC | Error::ENOMEM | Error::EMFILE | Error::ENFILE)
}

/// Returns the path to open directories by, and a slash: the absolute one, as the working directory may change,
/// or the one that was given where that one cannot be opened. `None` if there is no `/proc`.
fn root_path(fd: c_int, given: &CStr) -> Result<Option<Array<u8>>> {
    // So long that `directory::open` leaves the path as it is.
    let mut absolute = [0; libc::PATH_MAX as usize - 2];
    let absolute = match directory::path_of(fd, &mut absolute) {
        Err(Error::ENOENT) => return Ok(None),
        found => found.ok().map(|length| &absolute[..length]),
    };
    let mut path = Array::new();
    for candidate in absolute.into_iter().chain([given.to_bytes()]) {
        path.resize(0, 0)?;
        path.reserve(candidate.len() + 2)?;
        path.extend_from_slice(candidate)?;
        path.extend_from_slice(b"/\0")?;
        if let Ok(opened) = directory::open(&mut path) {
            let _ = sys::fd::close(opened);
            break;
        }
    }
    path.pop();
    Ok(Some(path))
}

impl Tree {
    /// Watches a directory and all below it. Returns `None` for what has to be watched otherwise: a file, or
    /// anything where there is no `/proc`.
    pub fn start(handle: &FsEvent, path: &CStr) -> Result<Option<*const Tree>> {
        let loop_ = handle.handle.loop_();
        loop_.make_own()?;
        let fd = match sys::fd::open_cloexec(path, libc::O_DIRECTORY) {
            Err(Error::ENOTDIR) => return Ok(None),
            opened => opened?,
        };
        let made = root_path(fd, path).and_then(|root| match root {
            Some(root) => Tree::new(handle, path, root).map(Some),
            None => Ok(None),
        });
        let Ok(Some(tree)) = made else {
            let _ = sys::fd::close(fd);
            return made;
        };
        // SAFETY: it was just made, and nothing else knows it.
        unsafe {
            let opened = (*tree).open(loop_, fd).inspect_err(|_| Tree::free(tree, loop_));
            opened.map(|()| Some(tree))
        }
    }

    fn new(handle: &FsEvent, path: &CStr, root: Array<u8>) -> Result<*const Tree> {
        // So that a report about the directory itself cannot fail.
        handle.handle.loop_().state.name.borrow_mut().reserve(path.to_bytes().len() + 1)?;
        let tree = memory::malloc(size_of::<Tree>())?.cast::<Tree>().as_ptr();
        let copy = memory::duplicate(path).map_or(ptr::null_mut(), |copy| copy.as_ptr());
        // SAFETY: a zeroed buffer is empty.
        let events: *const Unread<BUFFER> = unsafe { zeroed() }.unwrap_or(ptr::null());
        if copy.is_null() || events.is_null() {
            // SAFETY: these blocks were just allocated, or are NULL.
            unsafe {
                memory::free(copy.cast());
                memory::free(events.cast_mut().cast());
                memory::free(tree.cast());
            }
            return Err(Error::ENOMEM);
        }
        let state = State { nodes: Nodes::new(), root, path: Array::new() };
        // SAFETY: the block has the size of the struct.
        unsafe {
            tree.write(Tree {
                watcher: Watcher::new::<Tree>(-1),
                handle: Cell::new(handle),
                path: Cell::new(copy),
                events: Cell::new(events),
                open: Cell::new(-1),
                reading: Cell::new(ROOT),
                entries: Cell::new(ptr::null()),
                read_known: Cell::new(false),
                rescanning: Cell::new(false),
                incomplete: Cell::new(false),
                started: Cell::new(false),
                padding: padding(),
                state: UnsafeCell::new(RefCell::new(state)),
            });
        }
        Ok(tree)
    }

    /// Ends the watch. May be called in the handle's callback.
    ///
    /// # Safety
    /// `this` is alive, and not used afterwards.
    pub unsafe fn free(this: *const Tree, loop_: &Loop) {
        // SAFETY: as documented.
        let tree = unsafe { &*this };
        tree.close(loop_);
        if loop_.state.tree.get() == this {
            loop_.state.tree.set(ptr::null());
        }
        if loop_.state.watcher.get() == &raw const tree.watcher {
            loop_.state.watcher.set(ptr::null());
        }
        // SAFETY: as documented; the blocks are the tree's, and nothing borrows its state.
        unsafe {
            memory::free(tree.path.get().cast());
            memory::free(tree.events.get().cast_mut().cast());
            ptr::drop_in_place(tree.state.get());
            memory::free(this.cast_mut().cast());
        }
    }

    /// Closes the inotify instance, and forgets what was read from it.
    fn close(&self, loop_: &Loop) {
        self.end_reading();
        self.watcher.deregister(&loop_.poller);
        if self.watcher.fd.get() != -1 {
            let _ = sys::fd::close(self.watcher.fd.replace(-1));
        }
        self.events().clear();
        self.rescanning.set(false);
        self.started.set(false);
    }

    /// Makes an inotify instance and watches all directories, from that on which `fd` is open and closed later.
    fn open(&self, loop_: &Loop, fd: c_int) -> Result {
        self.begin_reading(ROOT, fd);
        self.reserve_entries()?;
        self.watcher.fd.set(inotify::init()?);
        let watch = inotify::add_watch_of(self.watcher.fd.get(), fd)?;
        let reset = self.state().nodes.reset();
        reset.and_then(|()| self.state().nodes.set_watch(ROOT, watch))?;
        while let Some(found) = self.read_more() {
            found.map_or(Ok(()), |found| found.result)?;
        }
        self.started.set(true);
        // Level-triggered, so that events left after `STEPS` are reported again.
        self.watcher.set_level_triggered(true);
        self.watcher.arm(&loop_.poller, Interest::READABLE)
    }

    /// Replaces the inotify instance, which the parent process shares, in the child of a fork.
    pub fn renew(&self, loop_: &Loop) -> Result {
        self.close(loop_);
        let fd = self.state().open(ROOT)?;
        self.open(loop_, fd)
    }

    pub fn path(&self) -> *const c_char {
        self.path.get()
    }

    fn handle(&self) -> &FsEvent {
        // SAFETY: a handle frees its tree when it stops, hence is alive.
        unsafe { &*self.handle.get() }
    }

    /// Borrows the nodes, never while a callback runs.
    fn state(&self) -> RefMut<'_, State> {
        // SAFETY: the cell is there to make the padding interior-mutable; no reference is made but shared ones.
        unsafe { &*self.state.get() }.borrow_mut()
    }

    fn events(&self) -> &Unread<BUFFER> {
        // SAFETY: allocated with the tree.
        unsafe { &*self.events.get() }
    }

    // ---- reading directories -------------------------------------------------------------------

    /// Allocates the buffer of entries, before a directory is opened.
    fn reserve_entries(&self) -> Result {
        if self.entries.get().is_null() {
            // SAFETY: a zeroed buffer is empty.
            self.entries.set(unsafe { zeroed()? });
        }
        Ok(())
    }

    /// Begins to read a directory, which is closed at its end. The buffer is reserved.
    fn begin_reading(&self, node: u32, fd: c_int) {
        self.open.set(fd);
        self.reading.set(node);
    }

    fn close_directory(&self) {
        if self.open.get() != -1 {
            let _ = sys::fd::close(self.open.replace(-1));
        }
    }

    fn end_reading(&self) {
        self.close_directory();
        // SAFETY: NULL or from `memory`; no entry in it is used any more.
        unsafe { memory::free(self.entries.replace(ptr::null()).cast_mut().cast()) };
    }

    /// Goes on with reading directories. Returns `None` if there is nothing to read.
    fn read_more(&self) -> Option<Option<Found<'_>>> {
        if self.open.get() != -1 {
            return Some(self.read_entry());
        }
        let next = self.state().nodes.next_to_visit();
        let Some(node) = next else {
            self.end_reading();
            return None;
        };
        let opened = self.reserve_entries().and_then(|()| self.open_directory(node));
        Some(match opened {
            Ok(opened) => {
                self.read_if_needed(opened);
                None
            }
            Err(error) => Some(Found { node, entry: None, result: Err(error) }),
        })
    }

    fn read_if_needed(&self, opened: Option<Opened>) {
        match opened {
            Some(Opened { node, fd, appeared }) if appeared || self.read_known.get() => {
                // All below it has another name, or appeared with it.
                self.read_known.set(true);
                self.begin_reading(node, fd);
            }
            Some(Opened { fd, .. }) => {
                let _ = sys::fd::close(fd);
            }
            None => {}
        }
    }

    fn read_entry(&self) -> Option<Found<'_>> {
        // SAFETY: allocated when reading began, and freed at its end only.
        let entries = unsafe { &*self.entries.get() };
        let Some((entry, size)) = directory::first_entry(entries.rest()) else {
            let fd = self.open.get();
            if !entries.fill_by(|buffer| directory::read_entries(fd, buffer)) {
                self.close_directory();
            }
            return None;
        };
        entries.advance(size);
        if matches!(entry.name.to_bytes(), b"." | b"..") {
            return None;
        }
        let node = self.reading.get();
        let result = match entry.may_be_directory {
            true => self.state().nodes.add(node, entry.name.to_bytes()),
            false => Ok(()),
        };
        Some(Found { node, entry: Some(entry.name), result })
    }

    /// Opens and watches the directory of a node that was to be visited. Returns `None`, and frees the node, if
    /// it is to be passed over. On an error the node stays.
    fn open_directory(&self, node: u32) -> Result<Option<Opened>> {
        let state = &mut *self.state();
        let opened = state.open(node);
        let nodes = &mut state.nodes;
        let watched = opened.and_then(|fd| {
            self.watch_opened(nodes, node, fd).inspect_err(|_| {
                let _ = sys::fd::close(fd);
            })
        });
        match watched {
            Ok(opened) => Ok(Some(opened)),
            Err(error) if is_limit(error) => Err(error),
            Err(_) => {
                nodes.free(node);
                Ok(None)
            }
        }
    }

    fn watch_opened(&self, nodes: &mut Nodes, node: u32, fd: c_int) -> Result<Opened> {
        let inotify = self.watcher.fd.get();
        let watch = inotify::add_watch_of(inotify, fd)?;
        let unwatch = |watch| {
            let _ = inotify::remove_watch(inotify, watch);
        };
        if !self.is_parent(nodes, node, fd) {
            if nodes.find(watch).is_none() {
                unwatch(watch);
            }
            return Err(Error::ENOENT);
        }
        match nodes.find(watch) {
            None => {
                nodes.set_watch(node, watch).inspect_err(|_| unwatch(watch))?;
                nodes.mark_found(node);
                Ok(Opened { fd, node, appeared: true })
            }
            // It is mounted below itself.
            Some(known) if nodes.is_within(node, known) => Err(Error::ELOOP),
            Some(known) => {
                let appeared = !nodes.same_place(known, node);
                nodes.take_place(known, node);
                nodes.mark_found(known);
                Ok(Opened { fd, node: known, appeared })
            }
        }
    }

    /// Returns whether the open directory is one of the node's parent: the path may lead elsewhere, as a part of
    /// it was renamed, and another directory has its name. In the first scan nothing is known that could be
    /// mistaken for another directory, and the events of renames are still to come.
    fn is_parent(&self, nodes: &Nodes, node: u32, fd: c_int) -> bool {
        if !self.started.get() {
            return true;
        }
        let inotify = self.watcher.fd.get();
        match inotify::add_watch_of_parent(inotify, fd) {
            Ok(parent) if parent == nodes.watch(nodes.parent(node)) => true,
            Ok(parent) => {
                if nodes.find(parent).is_none() {
                    let _ = inotify::remove_watch(inotify, parent);
                }
                false
            }
            Err(_) => false,
        }
    }

    // ---- events --------------------------------------------------------------------------------

    fn dispatch(&self) {
        let loop_ = self.handle().handle.loop_();
        let current = &loop_.state.tree;
        current.set(self);
        for _ in 0..STEPS {
            match self.step() {
                Step::Idle => return current.set(ptr::null()),
                Step::Done => {}
                Step::Report(events, status) => {
                    self.call_handle(events, status);
                    // The callback has stopped the handle, which freed the tree, or forked.
                    if !ptr::eq(current.get(), self) || loop_.poller.is_inherited() {
                        return;
                    }
                }
            }
        }
        current.set(ptr::null());
        loop_.requeue(&self.watcher);
    }

    fn call_handle(&self, events: c_int, status: Result) {
        let handle = self.handle();
        let name = handle.handle.loop_().state.name.borrow().as_ptr().cast();
        if let Some(callback) = handle.callback.get() {
            let this = ptr::from_ref(handle).cast_mut().cast();
            let (loop_, function) = (handle.handle.loop_(), callback as *const ());
            // SAFETY: the user's function, called with the handle that it was given for. The name is written
            // again for the next report only.
            call_user(loop_, Callback::FsEvent, handle, function, || unsafe {
                callback(this, name, events, status.into_c())
            });
        } else {
            check::callback_missing(handle);
        }
    }

    fn step(&self) -> Step {
        if let Some(found) = self.read_more() {
            return found.map_or(Step::Done, |found| self.report_found(&found));
        }
        if self.rescanning.replace(false) {
            if !self.incomplete.get() {
                self.state().nodes.remove_missing();
            }
            return self.report(ROOT, None, UV_RENAME | UV_CHANGE, Ok(()));
        }
        match self.next_event() {
            Some(event) => self.handle_event(&event),
            None if self.remove_watches() => Step::Done,
            None => Step::Idle,
        }
    }

    fn next_event(&self) -> Option<inotify::Event<'_>> {
        let events = self.events();
        loop {
            if let Some((event, size)) = inotify::first(events.rest()) {
                events.advance(size);
                return Some(event);
            }
            // If the latest read had space for another event, there was none.
            if events.had_room(inotify::LONGEST_EVENT) || !events.fill(self.watcher.fd.get()) {
                events.clear();
                return None;
            }
        }
    }

    /// Removes some watches of directories that have left the tree. Returns false if there is none.
    fn remove_watches(&self) -> bool {
        let State { nodes, .. } = &mut *self.state();
        for removed in 0..REMOVALS {
            match nodes.next_removed() {
                None => return removed > 0,
                Some(None) => {}
                Some(Some(watch)) => {
                    // Fails if the kernel has removed it with the directory.
                    let _ = inotify::remove_watch(self.watcher.fd.get(), watch);
                }
            }
        }
        true
    }

    fn handle_event(&self, event: &inotify::Event<'_>) -> Step {
        if event.mask & libc::IN_Q_OVERFLOW != 0 {
            self.rescan();
            return Step::Done;
        }
        let Some(node) = self.state().nodes.find(event.watch) else { return Step::Done };
        if event.mask & libc::IN_IGNORED != 0 {
            self.state().nodes.clear_watch(node);
        }
        if event.name.is_some() || node == ROOT {
            let result =
                event.name.map_or(Ok(()), |name| self.visit_if_new(node, event.mask, name));
            return self.report(node, event.name, changes(event.mask), result);
        }
        // Other changes of a directory are those of an entry of its parent.
        if event.mask & libc::IN_MOVE_SELF != 0 {
            self.check_place(node);
        } else if event.mask & libc::IN_IGNORED != 0 {
            // With all below it, if a file system was unmounted.
            self.state().nodes.remove(node);
        } else if event.mask & libc::IN_UNMOUNT != 0 {
            return self.report(node, None, UV_RENAME, Ok(()));
        }
        Step::Done
    }

    /// Adds a directory to those to visit if the event is that it has appeared.
    fn visit_if_new(&self, parent: u32, mask: u32, name: &CStr) -> Result {
        if mask & libc::IN_ISDIR == 0 || mask & (libc::IN_CREATE | libc::IN_MOVED_TO) == 0 {
            return Ok(());
        }
        // A moved directory is read even if it is known and in place: paths through its old name were not
        // found.
        self.read_known.set(mask & libc::IN_MOVED_TO != 0);
        self.state().nodes.add(parent, name.to_bytes())
    }

    /// Removes a directory from the tree that was moved, unless the event before has moved its node too.
    fn check_place(&self, node: u32) {
        self.read_known.set(false);
        let added = self.reserve_entries().and_then(|()| self.state().nodes.add_place_of(node));
        let place = added.ok().and_then(|()| self.state().nodes.next_to_visit());
        let Some(place) = place else { return };
        let Ok(opened) = self.open_directory(place) else {
            return self.state().nodes.free(place);
        };
        if opened.as_ref().is_none_or(|opened| opened.node != node) {
            self.state().nodes.remove(node);
        }
        self.read_if_needed(opened);
    }

    /// Reads all directories again, as the kernel has dropped events.
    fn rescan(&self) {
        self.state().nodes.begin_round();
        self.rescanning.set(true);
        self.read_known.set(true);
        let opened = self.reserve_entries().and_then(|()| self.open_root());
        self.incomplete.set(opened.map(|fd| self.begin_reading(ROOT, fd)).is_err());
    }

    /// Opens the watched directory. Fails if it has been moved away.
    fn open_root(&self) -> Result<c_int> {
        let state = &mut *self.state();
        let (fd, inotify) = (state.open(ROOT)?, self.watcher.fd.get());
        match inotify::add_watch_of(inotify, fd) {
            Ok(watch) if state.nodes.find(watch) == Some(ROOT) => return Ok(fd),
            Ok(watch) if state.nodes.find(watch).is_none() => {
                let _ = inotify::remove_watch(inotify, watch);
            }
            _ => {}
        }
        let _ = sys::fd::close(fd);
        Err(Error::ENOENT)
    }

    // ---- reports -------------------------------------------------------------------------------

    fn report_found(&self, found: &Found<'_>) -> Step {
        let &Found { node, entry, result } = found;
        if result.is_err() {
            self.incomplete.set(true);
        } else if self.rescanning.get() {
            // One report about the whole tree follows.
            return Step::Done;
        }
        if entry.is_some() {
            return self.report(node, entry, UV_RENAME, result);
        }
        let step = self.report(node, entry, 0, result);
        self.state().nodes.free(node);
        step
    }

    /// Writes the name for a report about a directory or an entry of it.
    fn report(&self, node: u32, entry: Option<&CStr>, events: c_int, status: Result) -> Step {
        let name = &mut *self.handle().handle.loop_().state.name.borrow_mut();
        match self.write_name(node, entry, name) {
            Ok(true) => Step::Report(events, status),
            Ok(false) => Step::Done,
            // There is memory for the name of the watched directory only.
            Err(error) => {
                let _ = self.write_name(ROOT, None, name);
                Step::Report(UV_RENAME | UV_CHANGE, status.and(Err(error)))
            }
        }
    }

    /// Writes the name of an entry relative to the watched directory, or the name of this one. Returns false if
    /// the entry is not in the tree any more.
    fn write_name(&self, node: u32, entry: Option<&CStr>, out: &mut Array<u8>) -> Result<bool> {
        if node != ROOT || entry.is_some() {
            return self.state().nodes.path(b"", node, entry, out);
        }
        // SAFETY: a copy of the path, a C string.
        let name = file_name(unsafe { CStr::from_ptr(self.path.get()) });
        out.resize(0, 0)?;
        out.extend_from_slice(name.to_bytes_with_nul())?;
        Ok(true)
    }
}

// SAFETY: the watcher is at `OFFSET`, and the tree is reached through shared references.
unsafe impl EventHandler for Tree {
    const OFFSET: usize = core::mem::offset_of!(Tree, watcher);

    fn on_event(&self, _: &Event) {
        self.dispatch();
    }

    fn on_requeued(&self) {
        self.dispatch();
    }
}
