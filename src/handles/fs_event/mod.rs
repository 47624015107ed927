//! File system events: `uv_fs_event_t`, by inotify.
//!
//! A loop has one inotify instance, from the start of its first handle until it is closed. The kernel has
//! one watch for a file, whatever the number of handles and their paths, so a [`Watch`] has a list of
//! handles. It is freed when the last of them stops, but not while its handles are being called. A recursive
//! handle has a [`Tree`] instead.

mod nodes;
mod tree;
pub use tree::Tree;

use super::unread::{zeroed, Unread};
use super::{flag, Handle};
use crate::abi::*;
use crate::check;
use crate::event_loop::Loop;
use crate::ffi::TextOut;
use crate::ffi::{call_user, overlay, Overlay};
use crate::list::{container_of, Link, List};
use crate::memory::{self, Array};
use crate::observe::layout::Callback;
use crate::observe::{layout, offsets};
use crate::poller::{EventHandler, Watcher};
use crate::sys::inotify;
use core::cell::{Cell, RefCell};
use core::ffi::{c_char, c_int, c_uint, c_void, CStr};
use core::mem::{offset_of, size_of};
use core::ptr;
use mio::event::Event;
use mio::Interest;

#[repr(C)]
pub struct FsEvent {
    handle: Handle,
    /// The path by which the file was first watched, in the watch; NULL if stopped.
    path: Cell<*const c_char>,
    callback: Cell<uv_fs_event_cb>,
    link: Link,
    /// A [`Watch`], or a [`Tree`] if the handle has the flag for it.
    watch: Cell<*const c_void>,
}

overlay!(FsEvent { handle, path, callback, link, watch } => uv_fs_event_t);
const _: () = {
    assert!(offset_of!(FsEvent, path) == offset_of!(uv_fs_event_t, path));
    assert!(offset_of!(FsEvent, callback) == offset_of!(uv_fs_event_t, cb));
};

/// The `id` of a [`Watch`] without a watch in the kernel.
const NO_WATCH: c_int = -1;

/// A watched file. The path follows in the same block.
struct Watch {
    /// The watch descriptor.
    id: Cell<c_int>,
    /// The next watch in the same bucket of the table.
    next: Cell<*const Watch>,
    handles: List,
    /// The handles that are still to be called for the current event.
    due: List,
    calling: Cell<bool>,
    path: *const c_char,
}

pub const OFFSETS: layout::FsEventOffsets =
    offsets!(FsEventOffsets, FsEvent { callback: callback, path: path });

impl Watch {
    fn new(path: &CStr) -> Result<*const Watch> {
        let bytes = path.to_bytes_with_nul();
        let watch = memory::malloc(size_of::<Watch>() + bytes.len())?.cast::<Watch>().as_ptr();
        // SAFETY: the block has the size of the struct and the path after it.
        unsafe {
            let copy = watch.add(1).cast::<c_char>();
            ptr::copy_nonoverlapping(bytes.as_ptr().cast(), copy, bytes.len());
            watch.write(Watch {
                id: Cell::new(NO_WATCH),
                next: Cell::new(ptr::null()),
                handles: List::new(),
                due: List::new(),
                calling: Cell::new(false),
                path: copy,
            });
        }
        Ok(watch)
    }

    fn path(&self) -> &CStr {
        // SAFETY: `new` copied the path, a C string, to the block of this watch.
        unsafe { CStr::from_ptr(self.path) }
    }

    /// Calls all handles. Those that the callbacks start are for the next event. After a callback has left
    /// the loop by an exception, another call calls the remaining ones.
    fn call_handles(&self, name: Option<&CStr>, events: c_int) {
        let name = name.unwrap_or_else(|| file_name(self.path()));
        if !self.calling.replace(true) {
            self.handles.move_to(&self.due);
        }
        // Returns to `handles` before its callback, which may stop it.
        while let Some(link) = self.due.move_front_to(&self.handles) {
            // SAFETY: a handle in the list is active, hence alive.
            let event = unsafe { &*container_of!(link, FsEvent, link) };
            if let Some(callback) = event.callback.get() {
                let this = ptr::from_ref(event).cast_mut().cast();
                // SAFETY: the user's function, called with the handle that it was given for.
                call_user(
                    event.handle.loop_(),
                    Callback::FsEvent,
                    event,
                    callback as *const (),
                    || unsafe { callback(this, name.as_ptr(), events, 0) },
                );
            } else {
                check::callback_missing(event);
            }
        }
        self.calling.set(false);
    }
}

/// Returns the last part of a path.
fn file_name(path: &CStr) -> &CStr {
    let start = path.to_bytes().iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    // Does not fail, as a suffix of a C string is one.
    CStr::from_bytes_with_nul(&path.to_bytes_with_nul()[start..]).unwrap_or(path)
}

/// Returns the events to report for the mask of an inotify event.
fn changes(mask: u32) -> c_int {
    const CHANGE: u32 = libc::IN_ATTRIB | libc::IN_MODIFY;
    let mut events = 0;
    if mask & CHANGE != 0 {
        events |= UV_CHANGE;
    }
    if mask & !(CHANGE | libc::IN_ISDIR) != 0 {
        events |= UV_RENAME;
    }
    events
}

/// The watches by id: a hash table with chains of watches. The kernel's ids count up, so their low bits are
/// evenly distributed.
struct Table {
    /// Empty, or a power of two.
    buckets: Array<*const Watch>,
    count: usize,
}

impl Table {
    fn index(&self, id: c_int) -> usize {
        id as usize & self.buckets.len().wrapping_sub(1)
    }

    fn find(&self, id: c_int) -> Option<*const Watch> {
        let mut watch = *self.buckets.get(self.index(id))?;
        while !watch.is_null() {
            // SAFETY: a watch is removed from the table before it is freed.
            unsafe {
                if (*watch).id.get() == id {
                    return Some(watch);
                }
                watch = (*watch).next.get();
            }
        }
        None
    }

    /// Reserves space for one more watch.
    fn reserve(&mut self) -> Result {
        if self.count >= self.buckets.len() {
            self.grow()?;
        }
        Ok(())
    }

    /// # Safety
    /// Space is reserved. `watch` stays alive until it is removed, and no other has its id.
    unsafe fn insert(&mut self, watch: *const Watch) {
        // SAFETY: as documented.
        unsafe { self.link(watch) };
        self.count += 1;
    }

    /// # Safety
    /// As for [`Table::insert`]; `buckets` is not empty.
    unsafe fn link(&mut self, watch: *const Watch) {
        // SAFETY: as documented.
        unsafe {
            let index = self.index((*watch).id.get());
            (*watch).next.set(self.buckets[index]);
            self.buckets[index] = watch;
        }
    }

    fn grow(&mut self) -> Result {
        let mut buckets = Array::new();
        let size = (self.buckets.len() * 2).max(8);
        buckets.reserve(size)?;
        for _ in 0..size {
            buckets.push(ptr::null())?;
        }
        for watch in self.replace(buckets) {
            // SAFETY: the watch was in the table, and `buckets` is not empty.
            unsafe { self.link(watch) };
        }
        Ok(())
    }

    /// Replaces the buckets, and returns the watches of the old ones.
    fn replace(&mut self, buckets: Array<*const Watch>) -> impl Iterator<Item = *const Watch> {
        let old = core::mem::replace(&mut self.buckets, buckets);
        let mut index = 0;
        let mut next = ptr::null();
        core::iter::from_fn(move || loop {
            let watch: *const Watch = next;
            if !watch.is_null() {
                // SAFETY: a watch in a table is alive; the next is read before it is used.
                next = unsafe { (*watch).next.get() };
                return Some(watch);
            }
            next = *old.get(index)?;
            index += 1;
        })
    }

    fn remove(&mut self, id: c_int) {
        let index = self.index(id);
        let Some(bucket) = self.buckets.get_mut(index) else { return };
        let mut watch = *bucket;
        let mut before: *const Watch = ptr::null();
        while !watch.is_null() {
            // SAFETY: a watch is removed from the table before it is freed.
            unsafe {
                let next = (*watch).next.get();
                if (*watch).id.get() == id {
                    match before.as_ref() {
                        Some(before) => before.next.set(next),
                        None => *bucket = next,
                    }
                    self.count -= 1;
                    return;
                }
                before = watch;
                watch = next;
            }
        }
    }
}

/// The state of a loop's file system event handles, a field of [`Loop`].
pub struct LoopFsEvents {
    /// The inotify instance; its descriptor is -1 until a handle is started.
    watcher: Watcher,
    watches: RefCell<Table>,
    /// Null until a handle is started.
    unread: Cell<*const Unread<BUFFER>>,
    /// The number of instances that the loop has had; the child of a fork creates another.
    instance: Cell<u32>,
}

/// The size of the buffer of events.
const BUFFER: usize = 16 * inotify::LONGEST_EVENT;

/// The most reads of the instance for one poll event, so that callbacks that cause events do not block the
/// loop.
const READS: usize = 32;

impl LoopFsEvents {
    pub const fn new() -> Self {
        LoopFsEvents {
            watcher: Watcher::new::<LoopFsEvents>(-1),
            watches: RefCell::new(Table { buckets: Array::new(), count: 0 }),
            unread: Cell::new(ptr::null()),
            instance: Cell::new(0),
        }
    }

    fn open(&self, loop_: &Loop) -> Result {
        if self.watcher.fd.get() != -1 {
            // The parent uses an inherited instance and its watches.
            return loop_.make_own();
        }
        if self.unread.get().is_null() {
            // SAFETY: a zeroed buffer is empty.
            self.unread.set(unsafe { zeroed()? });
        }
        self.watcher.fd.set(inotify::init()?);
        // Level-triggered, so that events left after `READS` are reported again.
        self.watcher.set_level_triggered(true);
        let armed = self.watcher.arm(&loop_.poller, Interest::READABLE);
        armed.inspect_err(|_| self.close_instance(loop_))
    }

    /// Releases all resources when the loop is closed.
    pub fn close(&self, loop_: &Loop) {
        self.close_instance(loop_);
        // SAFETY: NULL or from `memory`, and not used again.
        unsafe { memory::free(self.unread.replace(ptr::null()).cast_mut().cast()) };
    }

    fn close_instance(&self, loop_: &Loop) {
        self.watcher.deregister(&loop_.poller);
        if self.watcher.fd.get() != -1 {
            let _ = crate::sys::fd::close(self.watcher.fd.replace(-1));
        }
    }

    /// Calls the callbacks for events, first for those that remain after a callback left the loop by an
    /// exception.
    fn dispatch(&self) {
        // SAFETY: NULL, or freed when the loop is closed.
        let Some(unread) = (unsafe { self.unread.get().as_ref() }) else { return };
        let instance = self.instance.get();
        for _ in 0..=READS {
            while let Some((event, size)) = inotify::first(unread.rest()) {
                self.dispatch_event(&event);
                // A callback has forked and replaced the instance; the remaining events are of the parent's.
                if self.instance.get() != instance {
                    return;
                }
                unread.advance(size);
            }
            // If the latest read had space for another event, there was none.
            if unread.had_room(inotify::LONGEST_EVENT) || !unread.fill(self.watcher.fd.get()) {
                break;
            }
        }
        unread.clear();
    }

    /// Calls the handles of every watch, as the kernel has dropped events of unknown watches.
    fn dispatch_overflow(&self) {
        let lost = &self.loop_().state.lost_watches;
        // Not empty if a callback has left the loop by an exception.
        if lost.borrow().is_empty() {
            for mut watch in self.watches.borrow().buckets.iter().copied() {
                // SAFETY: a watch in the table is alive.
                while let Some(this) = unsafe { watch.as_ref() } {
                    // Without memory for the list the event is lost.
                    let _ = lost.borrow_mut().push(this.id.get());
                    watch = this.next.get();
                }
            }
        }
        let instance = self.instance.get();
        let next = || lost.borrow().last().copied().filter(|_| self.instance.get() == instance);
        while let Some(id) = next() {
            let mask = libc::IN_ATTRIB | libc::IN_MOVE_SELF;
            self.dispatch_event(&inotify::Event { watch: id, mask, name: None });
            lost.borrow_mut().pop();
        }
    }

    fn loop_(&self) -> &Loop {
        // SAFETY: this is the field of a loop.
        unsafe { &*container_of!(ptr::from_ref(self), Loop, fs_events) }
    }

    fn dispatch_event(&self, event: &inotify::Event<'_>) {
        if event.mask & libc::IN_Q_OVERFLOW != 0 {
            return self.dispatch_overflow();
        }
        // Looked up only now, as earlier callbacks may have stopped the last handle.
        let Some(watch) = self.watches.borrow().find(event.watch) else { return };
        // SAFETY: a watch in the table is alive, and not freed while it calls its handles.
        unsafe { &*watch }.call_handles(event.name, changes(event.mask));
        self.release(watch);
    }

    /// Frees the watch if it has no handles.
    fn release(&self, watch: *const Watch) {
        // SAFETY: the watch is alive, and removed from the table before it is freed.
        unsafe {
            if (*watch).calling.get() || !(*watch).handles.is_empty() {
                return;
            }
            self.watches.borrow_mut().remove((*watch).id.get());
            // The child of a fork shares the parent's instance until it has its own.
            if !self.loop_().poller.is_inherited() {
                // Fails if the kernel has removed the watch with the file.
                let _ = inotify::remove_watch(self.watcher.fd.get(), (*watch).id.get());
            }
            memory::free(watch.cast_mut().cast());
        }
    }

    /// Returns the watch of the path's file: an existing one, or the result of `make`.
    fn watch(
        &self,
        path: &CStr,
        make: impl FnOnce() -> Result<*const Watch>,
    ) -> Result<*const Watch> {
        // SAFETY: the path is a C string.
        let id = unsafe { inotify::add_watch(self.watcher.fd.get(), path.as_ptr())? };
        let mut table = self.watches.borrow_mut();
        if let Some(watch) = table.find(id) {
            return Ok(watch);
        }
        let made = table.reserve().and_then(|()| make()).inspect_err(|_| {
            let _ = inotify::remove_watch(self.watcher.fd.get(), id);
        })?;
        // SAFETY: the result of `make` is alive, and `release` removes it before it frees it.
        unsafe {
            (*made).id.set(id);
            table.insert(made);
        }
        Ok(made)
    }

    /// Replaces the inotify instance, which the parent process shares, in the child of a fork, and watches
    /// all paths again. Stops the handles of paths that cannot be watched, and returns the first error.
    pub fn after_fork(&self, loop_: &Loop) -> Result {
        let mut result = self.renew_watches(loop_);
        for handle in loop_.listed_handles() {
            if handle.kind() == UV_FS_EVENT && handle.is_active() && handle.has(flag::FS_RECURSIVE)
            {
                // SAFETY: the handle is the first field of a file system event handle.
                let event = unsafe { &*ptr::from_ref(handle).cast::<FsEvent>() };
                // SAFETY: an active handle with the flag has a tree.
                let renewed = unsafe { (*event.watch.get().cast::<Tree>()).renew(loop_) };
                result = result.and(renewed.inspect_err(|_| event.stop()));
            }
        }
        result
    }

    fn renew_watches(&self, loop_: &Loop) -> Result {
        if self.watcher.fd.get() == -1 {
            return Ok(());
        }
        self.instance.set(self.instance.get().wrapping_add(1));
        self.close_instance(loop_);
        while loop_.state.lost_watches.borrow_mut().pop().is_some() {}
        // SAFETY: allocated with the instance, and freed when the loop is closed.
        unsafe { (*self.unread.get()).clear() };
        self.open(loop_)?;
        let mut result = Ok(());
        let mut table = self.watches.borrow_mut();
        table.count = 0;
        let old = table.replace(Array::new());
        drop(table);
        for watch in old {
            // SAFETY: the watch was in the table, hence is alive, and is now in none.
            result = result.and(unsafe { self.renew(watch) });
        }
        result
    }

    /// Watches a file again in this instance.
    ///
    /// # Safety
    /// `watch` is alive, and in no table.
    unsafe fn renew(&self, watch: *const Watch) -> Result {
        // SAFETY: `watch` as documented; its handles are active, hence alive. It is freed here or, while it is
        // calling them, by `release`.
        unsafe {
            let this = &*watch;
            let renewed = self.watch(this.path(), || Ok(watch));
            if renewed == Ok(watch) {
                return Ok(());
            }
            // The file was removed, or another watch has it by now.
            for list in [&this.handles, &this.due] {
                while let Some(link) = list.pop_front() {
                    let event = &*container_of!(link, FsEvent, link);
                    match renewed {
                        Ok(other) => event.join(other),
                        Err(_) => event.leave(),
                    }
                }
            }
            this.id.set(NO_WATCH);
            self.release(watch);
            renewed.map(drop)
        }
    }
}

// SAFETY: the watcher is at `OFFSET`, and the loop's state is accessed through shared references.
unsafe impl EventHandler for LoopFsEvents {
    const OFFSET: usize = core::mem::offset_of!(LoopFsEvents, watcher);

    fn on_event(&self, _: &Event) {
        self.dispatch();
    }

    fn on_requeued(&self) {
        self.dispatch();
    }
}

impl FsEvent {
    fn start(&self, callback: uv_fs_event_cb, path: &CStr, recursive: bool) -> Result {
        check::handle_starting(self);
        if self.handle.is_active() || self.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        let loop_ = self.handle.loop_();
        let tree = if recursive { Tree::start(self, path)? } else { None };
        if let Some(tree) = tree {
            self.handle.set(flag::FS_RECURSIVE);
            // SAFETY: it was just made.
            self.path.set(unsafe { (*tree).path() });
            self.watch.set(tree.cast());
        } else {
            loop_.fs_events.open(loop_)?;
            let watch = loop_.fs_events.watch(path, || Watch::new(path))?;
            self.handle.clear(flag::FS_RECURSIVE);
            // SAFETY: `watch` is in the table, and not freed while it has a handle.
            unsafe { self.join(watch) };
        }
        self.callback.set(callback);
        self.handle.activate();
        Ok(())
    }

    /// # Safety
    /// The handle is in no list, and `watch` is alive.
    unsafe fn join(&self, watch: *const Watch) {
        // SAFETY: as documented; `stop` unlinks the handle before it is freed.
        unsafe {
            (*watch).handles.push_back(&self.link);
            self.path.set((*watch).path);
        }
        self.watch.set(watch.cast());
    }

    fn leave(&self) {
        self.link.unlink();
        self.path.set(ptr::null());
        self.watch.set(ptr::null());
        self.handle.deactivate();
    }

    pub fn stop(&self) {
        if !self.handle.is_active() {
            return;
        }
        let (watch, loop_) = (self.watch.get(), self.handle.loop_());
        self.leave();
        if self.handle.has(flag::FS_RECURSIVE) {
            // SAFETY: an active handle with the flag has a tree, which only it uses.
            unsafe { Tree::free(watch.cast(), loop_) };
        } else {
            loop_.fs_events.release(watch.cast());
        }
    }

    fn path(&self) -> Option<&CStr> {
        // SAFETY: the path is that of the handle's watch or tree, a C string.
        (!self.path.get().is_null()).then(|| unsafe { CStr::from_ptr(self.path.get()) })
    }
}

/// Initialises a file system event handle. Cannot fail; returns 0.
///
/// Loop thread only, as all these functions.
/// See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_init>.
///
/// # Safety
/// `loop` is an initialised loop and `handle` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_event_init(
    r#loop: *mut uv_loop_t,
    handle: *mut uv_fs_event_t,
) -> c_int {
    let event = handle.cast::<FsEvent>();
    // SAFETY: as documented.
    unsafe {
        Handle::init(event, Loop::of(r#loop), UV_FS_EVENT, |handle| FsEvent {
            handle,
            path: Cell::new(ptr::null()),
            callback: Cell::new(None),
            link: Link::new(),
            watch: Cell::new(ptr::null()),
        });
    }
    0
}

/// Calls `cb` when the file or directory at `path`, or an entry of the directory, changes.
///
/// The callback receives `UV_CHANGE` for a change of content or attributes, `UV_RENAME` for an entry that
/// was created, deleted or renamed, or both; and the name of the entry, or the last part of `path` if it is
/// that file itself. The handle stays active when the file is deleted. `flags` are of
/// `enum uv_fs_event_flags`, of which Linux supports one:
///
/// With `UV_FS_EVENT_RECURSIVE` the callback is called for everything below the directory, with the path
/// relative to it as the name. (libuv ignores the flag on Linux.) All directories are opened, read and
/// watched before this function returns, which takes time in a large tree. A directory that is created, moved
/// there or renamed is read, and everything found in it is reported with `UV_RENAME`, so some changes are
/// reported twice. One that is moved away is no longer watched. If the kernel has dropped events, all
/// directories are read again, and then the directory itself is reported with `UV_RENAME` and `UV_CHANGE`.
/// Symbolic links are not followed, directories that may not be read are passed over, and those of other file
/// systems are watched if they are mounted when their parent is read. If a directory that appears cannot be
/// watched for lack of watches, memory or descriptors, the callback receives its name and the error as the
/// status; the handle stays active. Each recursive handle needs an inotify instance, and a watch for each
/// directory. The flag has no effect on a file, and where `/proc` is not mounted.
///
/// Returns 0, `UV_EINVAL` if the handle is active or closing, or an error of inotify_init(2) or
/// inotify_add_watch(2), such as `UV_ENOENT`, `UV_ENOSPC` if the user has too many watches, or `UV_EMFILE` if
/// there are too many inotify instances. After an error nothing is watched.
/// See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_start>.
///
/// # Safety
/// `handle` is an initialised file system event handle that is not closed; `path` is NULL, which fails with
/// `UV_EFAULT`, or a C string.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_event_start(
    handle: *mut uv_fs_event_t,
    cb: uv_fs_event_cb,
    path: *const c_char,
    flags: c_uint,
) -> c_int {
    let recursive = flags & UV_FS_EVENT_RECURSIVE as c_uint != 0;
    if path.is_null() {
        return Error::EFAULT.code();
    }
    // SAFETY: as documented.
    unsafe { FsEvent::of(handle).start(cb, CStr::from_ptr(path), recursive) }.into_c()
}

/// Stops a file system event handle: its callback is not called any more. Does nothing if it is not active.
/// Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_stop>.
///
/// # Safety
/// `handle` is an initialised file system event handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_event_stop(handle: *mut uv_fs_event_t) -> c_int {
    // SAFETY: as documented.
    unsafe { FsEvent::of_stopping(handle) }.stop();
    0
}

/// Copies the path that the handle watches, with a NUL, and sets `*size` to its length without the NUL. If
/// another handle of the loop watched the same file first, it is the path of that handle.
///
/// Returns 0; `UV_EINVAL` if the handle is not active, which sets `*size` to 0, or if `buffer` or `size` is
/// NULL or `*size` is 0; or `UV_ENOBUFS` if the buffer is too small, which sets `*size` to the required size.
/// See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_getpath>.
///
/// # Safety
/// `handle` is an initialised file system event handle that is not closed; `buffer` has
/// room for `*size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_event_getpath(
    handle: *mut uv_fs_event_t,
    buffer: *mut c_char,
    size: *mut usize,
) -> c_int {
    // SAFETY: as documented.
    let (event, out) = unsafe { (FsEvent::of(handle), TextOut::new(buffer, size)) };
    out.and_then(|out| out.put_path(event.path())).into_c()
}
