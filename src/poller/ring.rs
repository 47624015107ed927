//! io_uring: the kernel does file operations by itself, without a thread of the pool.
//!
//! A loop has a ring when both its user and the environment ask for it (`UV_USE_IO_URING`), and
//! the kernel has a good one. A kernel thread takes what is pushed, so that handing over an
//! operation is no system call as long as that thread is awake. The ring's descriptor is watched
//! like any other: it is readable while there are completions, also for an embedder who polls
//! `uv_backend_fd`.
//!
//! What the kernel thread does it does with the credentials that the process had when the ring was
//! made, which is why the user has to ask for it.

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

/// How many operations may wait for the kernel thread.
const ENTRIES: u32 = 64;

/// How long the kernel thread stays awake without work, in milliseconds.
const AWAKE: u32 = 10;

/// How long `cancel` lets the kernel thread take what it has not taken yet. On a machine that does not
/// run it for so long the loop itself fares no better.
const PATIENCE: Duration = Duration::from_secs(1);

pub struct Ring {
    uring: IoUring,
    /// The operations that the kernel knows, as bits.
    supported: u64,
    in_flight: Cell<u32>,
}

impl Ring {
    /// Fails when the ring is not wanted, or the kernel has none that will do.
    pub fn new() -> Result<Ring> {
        if !is_wanted() {
            return Err(Error::ENOSYS);
        }
        let version = sys::host::kernel_version()?;
        // Rings of older kernels lose requests and hang.
        if version < (5, 10, 186) {
            return Err(Error::ENOSYS);
        }
        let uring = IoUring::builder().setup_sqpoll(AWAKE).build(ENTRIES)?;
        let params = uring.params();
        if !params.is_feature_sqpoll_nonfixed() || !params.is_feature_rw_cur_pos() {
            return Err(Error::ENOSYS);
        }
        let mut probe = Probe::new();
        uring.submitter().register_probe(&mut probe)?;
        let known = (0..u64::BITS as u8).filter(|&code| probe.is_supported(code));
        let mut supported = known.fold(0, |all, code| all | 1 << code);
        // There a file stays open for some time after it was closed, and cannot be executed.
        if version < (6, 1, 0) {
            supported &= !(1 << opcode::Close::CODE);
        }
        Ok(Ring { uring, supported, in_flight: Cell::new(0) })
    }

    pub fn fd(&self) -> c_int {
        self.uring.as_raw_fd()
    }

    /// Hands an operation to the kernel. False when it does not know it, or is busy.
    ///
    /// # Safety
    /// What the entry points to stays valid until its completion.
    pub unsafe fn push(&self, entry: &squeue::Entry) -> bool {
        // Without more operations than there is room for completions, none can overflow.
        if self.supported >> entry.get_opcode() & 1 == 0
            || self.in_flight.get() == self.uring.params().cq_entries()
        {
            return false;
        }
        // SAFETY: no other submission queue exists, as only this function makes one, and a loop is
        // used by one thread at a time. The entry: the caller's contract.
        if unsafe { self.uring.submission_shared().push(entry) }.is_err() {
            return false;
        }
        self.in_flight.set(self.in_flight.get() + 1);
        // The entry is in the queue in any case; this wakes the kernel thread if it sleeps.
        let _ = self.uring.submit();
        true
    }

    /// How many completions are there.
    pub fn completed(&self) -> usize {
        // SAFETY: no other completion queue exists; only this and `pop` make one, for a moment.
        unsafe { self.uring.completion_shared() }.len()
    }

    /// The next completion: the `user_data` of its entry, and the result as of a system call.
    pub fn pop(&self) -> Option<(u64, i32)> {
        // SAFETY: as in `completed`.
        let entry = unsafe { self.uring.completion_shared() }.next()?;
        self.in_flight.set(self.in_flight.get() - 1);
        Some((entry.user_data(), entry.result()))
    }

    /// Has an operation end with `ECANCELED` if it waits. Otherwise, and where the kernel cannot do
    /// this, it goes on and this is `EBUSY`.
    pub fn cancel(&self, user_data: u64) -> Result {
        self.await_taken();
        let at_once = Some(Timespec::new());
        let which = CancelBuilder::user_data(user_data);
        self.uring.submitter().register_sync_cancel(at_once, which).map_err(|_| Error::EBUSY)
    }

    /// Waits until the kernel thread has taken what was pushed; the kernel finds nothing to cancel
    /// before.
    fn await_taken(&self) {
        let began = Instant::now();
        // SAFETY: as in `push`.
        while !unsafe { self.uring.submission_shared() }.is_empty() && began.elapsed() < PATIENCE {
            yield_now();
        }
    }
}

/// Whether `UV_USE_IO_URING` is a positive number; settled when it is first asked for.
fn is_wanted() -> bool {
    static WANTED: OnceLock<bool> = OnceLock::new();
    *WANTED.get_or_init(|| std::env::var("UV_USE_IO_URING").is_ok_and(|value| is_positive(&value)))
}

/// As atoi() reads it: what follows the digits is ignored.
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
