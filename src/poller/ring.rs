//! io_uring: the kernel runs file operations without a thread of the pool.
//!
//! A loop has a ring if its user and the environment (`UV_USE_IO_URING`) both ask for one, and the
//! kernel's is recent enough. A kernel thread takes the entries, so that submitting one needs no system
//! call unless that thread sleeps. The ring's descriptor is registered like any other: it is readable
//! while there are completions, also for an embedder that polls `uv_backend_fd`.
//!
//! The kernel thread keeps the credentials that the process had when the ring was made, which is why
//! the user has to ask for it.

use crate::abi::{Error, Result};
use crate::sys;
use core::cell::Cell;
use core::ffi::c_int;
use io_uring::types::{CancelBuilder, Timespec};
use io_uring::{opcode, squeue, IoUring, Probe};
use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::thread::yield_now;
use std::time::{Duration, Instant};

/// The size of the submission queue.
const ENTRIES: u32 = 64;

/// How long the kernel thread polls without work before it sleeps, in milliseconds.
const IDLE: u32 = 10;

/// How long `cancel` waits for the kernel thread to take the submitted entries.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

pub struct Ring {
    uring: IoUring,
    /// A bit for each operation that the kernel supports.
    supported: u64,
    in_flight: Cell<u32>,
}

impl Ring {
    /// Fails if the environment does not ask for a ring or the kernel lacks what is needed.
    pub fn new() -> Result<Ring> {
        if !is_wanted() {
            return Err(Error::ENOSYS);
        }
        let version = sys::host::kernel_version()?;
        // Rings of older kernels lose requests and hang.
        if version < (5, 10, 186) {
            return Err(Error::ENOSYS);
        }
        let uring = IoUring::builder().setup_sqpoll(IDLE).build(ENTRIES)?;
        let params = uring.params();
        if !params.is_feature_sqpoll_nonfixed() || !params.is_feature_rw_cur_pos() {
            return Err(Error::ENOSYS);
        }
        let mut probe = Probe::new();
        uring.submitter().register_probe(&mut probe)?;
        let known = (0..u64::BITS as u8).filter(|&code| probe.is_supported(code));
        let mut supported = known.fold(0, |all, code| all | 1 << code);
        // On older kernels a closed file stays open for some time, and cannot be executed.
        if version < (6, 1, 0) {
            supported &= !(1 << opcode::Close::CODE);
        }
        Ok(Ring { uring, supported, in_flight: Cell::new(0) })
    }

    pub fn fd(&self) -> c_int {
        self.uring.as_raw_fd()
    }

    /// Submits an operation. Returns false if the kernel does not support it, or the ring is full.
    ///
    /// # Safety
    /// The memory that the entry points to stays valid until its completion.
    pub unsafe fn push(&self, entry: &squeue::Entry) -> bool {
        // With no more operations than there is room for completions, none overflows.
        if self.supported >> entry.get_opcode() & 1 == 0
            || self.in_flight.get() == self.uring.params().cq_entries()
        {
            return false;
        }
        // SAFETY: no other submission queue exists, as only this function makes one, and a loop is
        // used by one thread at a time. The entry is as documented.
        if unsafe { self.uring.submission_shared().push(entry) }.is_err() {
            return false;
        }
        self.in_flight.set(self.in_flight.get() + 1);
        // The entry is in the queue in any case; this wakes the kernel thread if it sleeps.
        let _ = self.uring.submit();
        true
    }

    /// Returns the number of completions.
    pub fn completed(&self) -> usize {
        // SAFETY: no other completion queue exists; only this and `pop` make one, for a moment.
        unsafe { self.uring.completion_shared() }.len()
    }

    /// Returns the `user_data` and the result of the next completion.
    pub fn pop(&self) -> Option<(u64, i32)> {
        // SAFETY: as in `completed`.
        let entry = unsafe { self.uring.completion_shared() }.next()?;
        self.in_flight.set(self.in_flight.get() - 1);
        Some((entry.user_data(), entry.result()))
    }

    /// Cancels an operation that has not begun, which completes with `ECANCELED`. Fails with `EBUSY` if
    /// it has begun or the kernel cannot cancel.
    pub fn cancel(&self, user_data: u64) -> Result {
        self.await_taken();
        let at_once = Some(Timespec::new());
        let which = CancelBuilder::user_data(user_data);
        self.uring.submitter().register_sync_cancel(at_once, which).map_err(|_| Error::EBUSY)
    }

    /// Waits until the kernel thread has taken the submitted entries, as those it has not taken cannot be
    /// cancelled.
    fn await_taken(&self) {
        let began = Instant::now();
        // SAFETY: as in `push`.
        while !unsafe { self.uring.submission_shared() }.is_empty()
            && began.elapsed() < CANCEL_TIMEOUT
        {
            yield_now();
        }
    }
}

/// Returns whether `UV_USE_IO_URING` is a positive number; the first call decides.
fn is_wanted() -> bool {
    static WANTED: OnceLock<bool> = OnceLock::new();
    *WANTED.get_or_init(|| std::env::var("UV_USE_IO_URING").is_ok_and(|value| is_positive(&value)))
}

/// Parses as atoi() does: text after the digits is ignored.
fn is_positive(number: &str) -> bool {
    let number = number.trim_ascii_start();
    let digits = number.strip_prefix('+').unwrap_or(number).bytes();
    digits.take_while(u8::is_ascii_digit).any(|digit| digit != b'0')
}

#[cfg(test)]
mod tests {
    use super::is_positive;

    #[test]
    fn numbers_are_read_as_by_atoi() {
        for yes in ["1", "2", "01", " 1", "+1", "1x"] {
            assert!(is_positive(yes), "{yes:?}");
        }
        for no in ["", "0", "00", "-1", "x", "x1", "0x1", "+-1"] {
            assert!(!is_positive(no), "{no:?}");
        }
    }
}
