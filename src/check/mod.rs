//! Reports of misuse of the C API, with the cargo feature `check`. Without it all functions here are empty.
//!
//! The registry (`registry.rs`) knows all loops, handles and active requests by their addresses. The rest of the
//! library tells it what happens to them, at few places: `Overlay::of` for each pointer that comes from C,
//! `Handle::init` and `Request::init`, the end of each, and `call_user` for each callback. `memory.rs` writes
//! check values to the parts of a handle or request that nothing uses, by which memory is recognised that was
//! freed, overwritten or copied. `report.rs` captures stacks and writes the reports.
//!
//! The functions take addresses, as the memory at them may be anything.
//!
//! `shuffle.rs` draws the order of what libuv leaves open from a seed.

#[cfg(feature = "check")]
mod memory;
#[cfg(not(feature = "check"))]
mod off;
#[cfg(feature = "check")]
mod on;
#[cfg(feature = "check")]
mod registry;
#[cfg(feature = "check")]
mod report;
#[cfg(feature = "check")]
mod shuffle;

#[cfg(not(feature = "check"))]
pub use off::*;
#[cfg(feature = "check")]
pub use on::*;
#[cfg(feature = "check")]
pub use shuffle::Shuffle;

use crate::abi::*;

/// What is drawn.
// Unused without the feature.
#[allow(dead_code)]
#[derive(Clone, Copy)]
pub enum Draw {
    /// The order of what one wait has found.
    Event,
    HoldEvent,
    Requeued,
    /// Whether messages of other threads come before events.
    MailFirst,
    Work,
    HoldWork,
    HoldAsync,
    /// The order of the signals of one read, and of the handles of a signal.
    Signal,
    SignalHandle,
    HoldSignal,
    Timer,
    Read,
    Write,
    /// Whether a stream has had its share.
    Share,
    Pause,
}

/// The properties of the memory that a pointer to a C type promises.
// Unused without the feature.
#[allow(dead_code)]
pub enum Expected {
    Loop,
    /// A handle of one of these types.
    Handle(&'static [uv_handle_type]),
    Request,
}

/// A C type that the API takes pointers to.
pub trait Subject {
    #[allow(dead_code)]
    const EXPECTED: Expected;
}

macro_rules! subjects {
    ($($type:ty: $expected:expr;)*) => {
        $(impl Subject for $type {
            const EXPECTED: Expected = $expected;
        })*
    };
}

use Expected::{Handle, Request};
subjects! {
    uv_loop_t: Expected::Loop;
    uv_handle_t: Handle(&[]);
    uv_stream_t: Handle(&[UV_TCP, UV_NAMED_PIPE, UV_TTY]);
    uv_tcp_t: Handle(&[UV_TCP]);
    uv_pipe_t: Handle(&[UV_NAMED_PIPE]);
    uv_tty_t: Handle(&[UV_TTY]);
    uv_udp_t: Handle(&[UV_UDP]);
    uv_poll_t: Handle(&[UV_POLL]);
    uv_timer_t: Handle(&[UV_TIMER]);
    uv_prepare_t: Handle(&[UV_PREPARE]);
    uv_check_t: Handle(&[UV_CHECK]);
    uv_idle_t: Handle(&[UV_IDLE]);
    uv_async_t: Handle(&[UV_ASYNC]);
    uv_process_t: Handle(&[UV_PROCESS]);
    uv_fs_event_t: Handle(&[UV_FS_EVENT]);
    uv_fs_poll_t: Handle(&[UV_FS_POLL]);
    uv_signal_t: Handle(&[UV_SIGNAL]);
    uv_req_t: Request;
    uv_shutdown_t: Request;
    uv_write_t: Request;
    uv_connect_t: Request;
    uv_udp_send_t: Request;
    uv_fs_t: Request;
    uv_work_t: Request;
    uv_getaddrinfo_t: Request;
    uv_getnameinfo_t: Request;
    uv_random_t: Request;
}
