//! The library's description of itself, `oxuv_debug`, for readers outside of the process.
//!
//! It has the offsets of private fields, so it is beside the topmost modules. [`layout`] documents it.

use crate::event_loop;
use crate::handles::{self, stream, udp};
use crate::list::Link;
use crate::loops::LOOPS;
use crate::observe::layout::{self, Address, Description, Note, Offsets};
use crate::observe::{offsets, BUILD, RELEASE};
use crate::pool;
use crate::requests;
use core::mem::size_of;

#[used]
#[link_section = ".note.oxuv"]
static NOTE: Note = Note {
    name_size: 5,
    content_size: (size_of::<Note>() - core::mem::offset_of!(Note, layout)) as u32,
    kind: layout::NOTE_KIND,
    name: layout::NOTE_NAME,
    layout: layout::VERSION,
    release: RELEASE,
    build: BUILD,
};

/// For tools that look into the process.
#[no_mangle]
pub static oxuv_debug: Description = Description {
    magic: layout::DESCRIPTION_MAGIC,
    version: layout::VERSION,
    size: size_of::<Description>() as u32,
    release: RELEASE,
    build: BUILD,
    active: Address((&raw const crate::observe::ACTIVE).cast()),
    page: Address((&raw const crate::observe::PAGE).cast()),
    loops: Address((&raw const LOOPS).cast()),
    pool: pool::DESCRIPTION,
    offsets: Offsets {
        link: offsets!(LinkOffsets, Link { next: next, prev: prev }),
        event_loop: event_loop::OFFSETS,
        state: event_loop::STATE_OFFSETS,
        handle: handles::OFFSETS,
        stream: stream::OFFSETS,
        pipe: stream::PIPE_OFFSETS,
        udp: udp::OFFSETS,
        timer: handles::timer::OFFSETS,
        loop_watcher: handles::loop_watcher::OFFSETS,
        async_: handles::async_::OFFSETS,
        poll: handles::poll::OFFSETS,
        signal: handles::signal::OFFSETS,
        process: handles::process::OFFSETS,
        fs_event: handles::fs_event::OFFSETS,
        fs_poll: handles::fs_poll::OFFSETS,
        request: requests::OFFSETS,
        write: stream::write::OFFSETS,
        send: udp::send::OFFSETS,
        connect: stream::CONNECT_OFFSETS,
        shutdown: stream::SHUTDOWN_OFFSETS,
        fs: requests::fs::OFFSETS,
        user_work: requests::USER_WORK_OFFSETS,
        getaddrinfo: requests::GETADDRINFO_OFFSETS,
        getnameinfo: requests::GETNAMEINFO_OFFSETS,
        random: requests::RANDOM_OFFSETS,
        work: pool::work_offsets(event_loop::MAILBOX),
        task: pool::TASK_OFFSETS,
        pool: pool::OFFSETS,
    },
};
