//! Models of the lock-free parts, run by loom in every interleaving: the stack, the wake-up of a loop that
//! sleeps, and the senders of async handles.
//!
//! The library's own files are compiled here with loom's types in `sync`. Run with `make loom`.
#![cfg(loom)]
#![allow(dead_code, unused_imports, unused_macros)]

mod sync {
    pub use loom::thread::yield_now;

    pub use loom::sync::atomic;

    pub fn fence_after_rmw() {
        atomic::fence(atomic::Ordering::SeqCst);
    }
}

/// A clock that stands still: only spinning depends on the time.
mod sys {
    pub mod time {
        pub fn monotonic() -> u64 {
            0
        }
    }
}

#[path = "../src/list.rs"]
mod list;
#[path = "../src/mailbox.rs"]
mod mailbox;
#[path = "../src/handles/sends.rs"]
mod sends;
#[path = "../src/stack.rs"]
mod stack;

mod abi {
    pub type Result<T = ()> = core::result::Result<T, ()>;
}

mod ffi {
    macro_rules! interior_mutable {
        ($($any:tt)*) => {};
    }
    pub(crate) use interior_mutable;
}

/// Stands for the kernel: an event that wakes a waiting thread once.
mod poller {
    use crate::abi::Result;
    use loom::cell::UnsafeCell;
    use loom::sync::atomic::{AtomicBool, Ordering};
    use loom::sync::{Arc, Notify};

    pub struct Kernel {
        event: Notify,
        pub rung: AtomicBool,
        /// Stands for the memory of the loop, which its owner may free when it is closed.
        pub memory: UnsafeCell<()>,
    }

    pub struct Poller(pub Arc<Kernel>);
    pub struct Waker(Arc<Kernel>);

    impl Poller {
        pub fn new() -> Poller {
            let rung = AtomicBool::new(false);
            Poller(Arc::new(Kernel { event: Notify::new(), rung, memory: UnsafeCell::new(()) }))
        }

        pub fn waker(&self) -> Result<Waker> {
            Ok(Waker(self.0.clone()))
        }

        pub fn wait(&self) {
            self.0.event.wait();
        }
    }

    impl Waker {
        pub fn wake(&self) -> Result {
            // SAFETY: the pointer is to nothing that has a size.
            self.0.memory.with(|memory| unsafe { *memory });
            self.0.rung.swap(true, Ordering::AcqRel);
            self.0.event.notify();
            Ok(())
        }
    }
}

use list::{container_of, Link, List};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use loom::sync::Arc;
use loom::thread;
use mailbox::Mailbox;
use poller::Poller;
use sends::Sends;
use stack::Stack;

/// Runs `test` in all interleavings with at most three preemptions. More would take hours, and bugs rarely
/// need more.
fn model(test: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(test);
}

/// An element of a stack, with a value that its sender writes before pushing it.
#[repr(C)]
struct Message {
    link: Link,
    value: UnsafeCell<u32>,
}

impl Message {
    fn new() -> Message {
        Message { link: Link::new(), value: UnsafeCell::new(0) }
    }

    fn write(&self, value: u32) {
        // SAFETY: loom checks that no other thread accesses it.
        self.value.with_mut(|to| unsafe { *to = value });
    }
}

/// The state that a loop and its threads share.
struct Shared<T> {
    poller: Poller,
    mailbox: Mailbox,
    things: T,
}

// SAFETY: the parts that are not thread-safe change hands as in the library, along with messages that
// loom checks.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: threads access the parts that are not thread-safe one at a time, as for `Send`.
unsafe impl<T> Sync for Shared<T> {}

fn share<T>(things: T) -> Arc<Shared<T>> {
    let poller = Poller::new();
    let mailbox = Mailbox::new(&poller).unwrap();
    Arc::new(Shared { poller, mailbox, things })
}

/// A worker that finishes one piece of work.
fn post(shared: &Arc<Shared<[Message; 2]>>, index: usize) -> thread::JoinHandle<()> {
    let shared = shared.clone();
    thread::spawn(move || {
        let message = &shared.things[index];
        message.write(1);
        // SAFETY: each message is pushed once, and outlives the stack.
        unsafe { shared.mailbox.push_done(&message.link) };
    })
}

/// Removes all messages from the list and returns their values.
fn values(list: &List) -> Vec<u32> {
    core::iter::from_fn(|| list.pop_front())
        .map(|link| {
            // SAFETY: only messages were pushed. Loom checks that their senders do not access them.
            unsafe { (*container_of!(link, Message, link)).value.with(|value| *value) }
        })
        .collect()
}

/// Each element arrives once, with its value, and in the order of its thread's pushes.
#[test]
fn stack_hands_over_every_element() {
    model(|| {
        let shared = share((
            Stack::new(AtomicPtr::default()),
            [Message::new(), Message::new(), Message::new()],
        ));
        let push = |shared: &Shared<(Stack, [Message; 3])>, index: usize| {
            let (stack, messages) = &shared.things;
            messages[index].write(index as u32);
            // SAFETY: each message is pushed once, and outlives the stack.
            unsafe { stack.push(&messages[index].link) };
        };
        let first = thread::spawn({
            let shared = shared.clone();
            move || {
                push(&shared, 0);
                push(&shared, 1);
            }
        });
        let second = thread::spawn({
            let shared = shared.clone();
            move || push(&shared, 2)
        });
        let list = List::new();
        let mut got = Vec::new();
        while got.len() < 3 {
            shared.things.0.take_into(&list);
            got.extend(values(&list));
            thread::yield_now();
        }
        first.join().unwrap();
        second.join().unwrap();
        assert!(shared.things.0.is_empty());
        let place = |value| got.iter().position(|v| *v == value).unwrap();
        assert!(got.len() == 3 && place(0) < place(1) && place(2) < 3);
    });
}

/// A loop that waits for all messages always ends: if a wake-up were lost, loom would find a deadlock. When
/// no thread is pushing any more, the loop's memory may be freed.
#[test]
fn sleeping_loop_is_woken() {
    model(|| {
        let shared = share([Message::new(), Message::new()]);
        let workers = [0, 1].map(|index| post(&shared, index));
        let list = List::new();
        let mut got = 0;
        shared.mailbox.unpark();
        while got < 2 {
            if shared.mailbox.park() {
                shared.poller.wait();
            }
            shared.mailbox.unpark();
            shared.mailbox.take_done(&list);
            got += values(&list).len();
        }
        shared.mailbox.wait_for_wakers();
        // SAFETY: the pointer is to nothing that has a size.
        shared.poller.0.memory.with_mut(|memory| unsafe { *memory = () });
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

/// When a loop has stopped running, its descriptor is readable if messages are left.
#[test]
fn embedder_is_told() {
    model(|| {
        let shared = share([Message::new(), Message::new()]);
        let workers = [0, 1].map(|index| post(&shared, index));
        // A tick that does not wait.
        let list = List::new();
        shared.mailbox.unpark();
        shared.poller.0.rung.swap(false, Ordering::Acquire);
        shared.mailbox.unpark();
        shared.mailbox.take_done(&list);
        let _ = values(&list);
        shared.mailbox.park_or_wake();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        assert!(!shared.mailbox.has_done() || shared.poller.0.rung.load(Ordering::Acquire));
    });
}

/// The thread that replaces the sentinel wakes the owner, and no other does, as in the inbox of the pool.
/// If an element were left behind, loom would find a deadlock.
#[test]
fn sentinel_has_exactly_one_thread_wake() {
    model(|| {
        let stack = Stack::new(AtomicPtr::default());
        let shared = share((stack, [Message::new(), Message::new()], AtomicU32::new(0)));
        let threads = [0, 1].map(|index| {
            let shared = shared.clone();
            thread::spawn(move || {
                let (stack, messages, calls) = &shared.things;
                messages[index].write(1);
                // SAFETY: each message is pushed once, and outlives the stack.
                if unsafe { stack.push(&messages[index].link) } {
                    calls.fetch_add(1, Ordering::Relaxed);
                    shared.poller.waker().unwrap().wake().unwrap();
                }
            })
        });
        let (stack, _, calls) = &shared.things;
        let list = List::new();
        let (mut got, mut called) = (0, 0);
        while got < 2 {
            if stack.put_sentinel() {
                // May return spuriously.
                shared.poller.wait();
                called += u32::from(!stack.remove_sentinel());
            }
            stack.take_into(&list);
            got += values(&list).len();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(calls.load(Ordering::Relaxed), called);
    });
}

#[repr(C)]
struct Async {
    link: Link,
    sends: Sends,
    /// Written by the senders before they send.
    written: [AtomicU32; 2],
}

impl Async {
    fn new() -> Async {
        Async {
            link: Link::new(),
            sends: Sends::new(),
            written: [AtomicU32::new(0), AtomicU32::new(0)],
        }
    }
}

/// Does the same as `Async::send`.
fn send(shared: &Shared<Async>) {
    let handle = &shared.things;
    if handle.sends.begin() {
        // SAFETY: only one thread is told to push.
        unsafe { shared.mailbox.push_async(&handle.link) };
        handle.sends.finish_push();
    }
}

/// A callback follows the last send and sees the writes before it.
#[test]
fn async_callback_follows_every_send() {
    model(|| {
        let shared = share(Async::new());
        let senders = [0, 1].map(|index| {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.things.written[index].store(1, Ordering::Relaxed);
                send(&shared);
            })
        });
        let handle = &shared.things;
        let list = List::new();
        let mut seen = [0, 0];
        // Ends only if each write has a callback after it that sees it.
        while seen != [1, 1] {
            shared.mailbox.take_asyncs().append_to(&list);
            while list.pop_front().is_some() {
                handle.sends.take();
                seen = [0, 1].map(|index| handle.written[index].load(Ordering::Relaxed));
            }
            thread::yield_now();
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
}

/// When an async handle is closed, no sender accesses it or its loop, and it is on no stack.
#[test]
fn async_close_waits_for_senders() {
    model(|| {
        let shared = share(Async::new());
        let senders = [0, 1].map(|_| {
            let shared = shared.clone();
            thread::spawn(move || send(&shared))
        });
        let handle = &shared.things;
        let list = List::new();
        shared.mailbox.take_asyncs().append_to(&list);
        while list.pop_front().is_some() {
            handle.sends.take();
        }
        if handle.sends.close() {
            shared.mailbox.take_asyncs().append_to(&list);
            assert!(handle.link.is_linked());
            handle.link.unlink();
        }
        // SAFETY: the pointer is to nothing that has a size.
        shared.poller.0.memory.with_mut(|memory| unsafe { *memory = () });
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert!(!shared.mailbox.has_asyncs());
    });
}

/// Two threads write a variable each, call `ours` or `theirs`, and read the other's variable. At least
/// one of them sees the other's write: the calls are full fences.
fn store_buffering(sends: fn() -> [Sends; 2], ours: fn(&[Sends; 2]), theirs: fn(&[Sends; 2])) {
    model(move || {
        let shared = share((sends(), [AtomicU32::new(0), AtomicU32::new(0)]));
        let thread = thread::spawn({
            let shared = shared.clone();
            move || {
                let (sends, written) = &shared.things;
                written[0].store(1, Ordering::Relaxed);
                theirs(sends);
                written[1].load(Ordering::Relaxed)
            }
        });
        let (sends, written) = &shared.things;
        written[1].store(1, Ordering::Relaxed);
        ours(sends);
        let seen = written[0].load(Ordering::Relaxed);
        assert_ne!((seen, thread.join().unwrap()), (0, 0));
    });
}

/// Two handles that were sent to, so that further sends are coalesced.
fn sent_to() -> [Sends; 2] {
    let sends = [Sends::new(), Sends::new()];
    sends.iter().for_each(|sends| assert!(sends.begin()));
    sends
}

#[test]
fn async_send_is_a_full_fence() {
    store_buffering(sent_to, |s| _ = s[0].begin(), |s| _ = s[1].begin());
}

#[test]
fn async_callback_begins_with_a_full_fence() {
    store_buffering(sent_to, |s| s[0].take(), |s| _ = s[1].begin());
    store_buffering(sent_to, |s| s[0].take(), |s| s[1].take());
}

/// Documented by libuv: a callback and a send of one handle, whichever comes first.
#[test]
fn async_callback_and_send_of_one_handle_are_ordered() {
    store_buffering(sent_to, |s| s[0].take(), |s| _ = s[0].begin());
    store_buffering(|| [Sends::new(), Sends::new()], |s| s[0].take(), |s| _ = s[0].begin());
}
