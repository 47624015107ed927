//! Terminals.
//!
//! `uv_tty_reset_mode` restores the first terminal whose mode was changed. It may be called in a signal
//! handler, so the attributes are in a static with a lock that it only tries to take.

use super::pipe::directions;
use super::Stream;
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{overlay, Overlay};
use crate::handles::{flag, Handle};
use crate::os::uv_guess_handle;
use crate::sys::{self, tty};
use core::cell::{Cell, UnsafeCell};
use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, Ordering};
use libc::termios;

#[repr(C)]
pub struct Tty {
    stream: Stream,
    /// The attributes before the mode was changed; valid in all modes but the normal one.
    original: Cell<termios>,
    mode: Cell<uv_tty_mode_t>,
}

overlay!(Tty { stream, original, mode } => uv_tty_t);
overlay!(Stream => uv_tty_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Tty, original) == offset_of!(uv_tty_t, orig_termios));
    assert!(offset_of!(Tty, mode) == offset_of!(uv_tty_t, mode));
};

/// A terminal and its original attributes.
#[derive(Clone, Copy)]
struct Original {
    fd: c_int,
    attributes: termios,
}

struct Saved {
    /// 0, or the generation of the process whose thread holds the lock, plus 1.
    holder: AtomicU32,
    original: UnsafeCell<Option<Original>>,
}

// SAFETY: `original` is only accessed by the holder of the lock.
unsafe impl Sync for Saved {}

static SAVED: Saved = Saved { holder: AtomicU32::new(0), original: UnsafeCell::new(None) };

impl Saved {
    /// Locks, unless another thread or the code that a signal interrupted holds the lock.
    ///
    /// The child of a fork may inherit the lock from a thread that it lacks. It takes over the lock and
    /// drops the attributes, which that thread may have been writing.
    fn try_lock(&self) -> bool {
        let ours = sys::process::generation().wrapping_add(1);
        let lock =
            |from| self.holder.compare_exchange(from, ours, Ordering::Acquire, Ordering::Relaxed);
        match lock(0) {
            Err(inherited) if inherited != ours => {
                let locked = lock(inherited).is_ok();
                if locked {
                    // SAFETY: this thread holds the lock.
                    unsafe { self.original.get().write(None) };
                }
                locked
            }
            result => result.is_ok(),
        }
    }

    /// Calls `act` unless another thread or the code that a signal interrupted holds the lock.
    fn try_with<R>(&self, act: impl FnOnce(&mut Option<Original>) -> R) -> Result<R> {
        if !self.try_lock() {
            return Err(Error::EBUSY);
        }
        // SAFETY: this thread holds the lock, and `act` does not call this function.
        let result = act(unsafe { &mut *self.original.get() });
        self.holder.store(0, Ordering::Release);
        Ok(result)
    }

    /// Waits until no other thread holds the lock. Must not be called in a signal handler.
    fn with<R>(&self, mut act: impl FnMut(&mut Option<Original>) -> R) -> R {
        loop {
            match self.try_with(&mut act) {
                Ok(result) => return result,
                Err(_) => std::thread::yield_now(),
            }
        }
    }
}

impl Tty {
    /// # Safety
    /// As for `uv_tty_init`.
    unsafe fn init(at: *mut Tty, loop_: &Loop, fd: c_int) -> Result {
        let kind = uv_guess_handle(fd);
        if matches!(kind, UV_FILE | UV_UNKNOWN_HANDLE) {
            return Err(Error::EINVAL);
        }
        let status = sys::fd::status_flags(fd)?;
        let mut flags = directions(status);
        let mut handle_fd = fd;
        if kind == UV_TTY {
            match reopen(fd, status & libc::O_ACCMODE)? {
                Some(reopened) => handle_fd = reopened,
                None => flags |= flag::BLOCKING_WRITES,
            }
        }
        // SAFETY: as documented; zeros are a valid termios.
        let tty = unsafe {
            let original = core::mem::zeroed();
            Handle::init(at, loop_, UV_TTY, |handle| Tty {
                stream: Stream::new(handle),
                original: Cell::new(original),
                mode: Cell::new(UV_TTY_MODE_NORMAL),
            });
            &*at
        };
        tty.stream.watcher.set_level_triggered(true);
        if flags & flag::BLOCKING_WRITES == 0 {
            // Does not fail for a descriptor of these types.
            let _ = sys::fd::set_nonblocking(handle_fd, true);
        }
        tty.stream.open(handle_fd, flags)
    }

    fn set_mode(&self, mode: uv_tty_mode_t) -> Result {
        if !(UV_TTY_MODE_NORMAL..=UV_TTY_MODE_RAW_VT).contains(&mode) {
            return Err(Error::EINVAL);
        }
        if mode == self.mode.get() {
            return Ok(());
        }
        let fd = self.stream.fd();
        if self.mode.get() == UV_TTY_MODE_NORMAL {
            let attributes = tty::attributes(fd)?;
            self.original.set(attributes);
            SAVED.with(|saved| {
                saved.get_or_insert(Original { fd, attributes });
            });
        }
        let mut attributes = self.original.get();
        match mode {
            UV_TTY_MODE_RAW | UV_TTY_MODE_RAW_VT => {
                attributes.c_iflag &=
                    !(libc::BRKINT | libc::ICRNL | libc::INPCK | libc::ISTRIP | libc::IXON);
                attributes.c_oflag |= libc::ONLCR;
                attributes.c_cflag |= libc::CS8;
                attributes.c_lflag &= !(libc::ECHO | libc::ICANON | libc::IEXTEN | libc::ISIG);
                attributes.c_cc[libc::VMIN] = 1;
                attributes.c_cc[libc::VTIME] = 0;
            }
            UV_TTY_MODE_IO => tty::make_raw(&mut attributes),
            _ => {}
        }
        tty::set_attributes(fd, &attributes)?;
        self.mode.set(mode);
        Ok(())
    }
}

impl Stream {
    /// Restores the original attributes if they are of this terminal. Called before its descriptor is closed.
    pub(super) fn restore_terminal(&self) {
        let fd = self.fd();
        SAVED.with(|saved| {
            if let Some(original) = saved.take_if(|original| fd != -1 && original.fd == fd) {
                let _ = tty::set_attributes(fd, &original.attributes);
            }
        });
    }
}

/// Opens a terminal again, so that it can be non-blocking without affecting other processes, and replaces
/// the old descriptor by a duplicate of the new one. Returns `None` if that is not possible; writes then
/// block.
fn reopen(fd: c_int, access: c_int) -> Result<Option<c_int>> {
    // Opening the name of a master would open a slave.
    if tty::is_master(fd) {
        return Ok(None);
    }
    let Ok(reopened) = tty::reopen(fd, access) else { return Ok(None) };
    match sys::fd::duplicate_to(reopened, fd) {
        Ok(()) => Ok(Some(reopened)),
        Err(error) => {
            let _ = sys::fd::close(reopened);
            Err(error)
        }
    }
}

/// Initialises a terminal handle for a descriptor, usually 0, 1 or 2, which may also be a pipe or a
/// socket. Opens the terminal again, so that it is non-blocking in this process only; if that fails, writes
/// block. The last argument is ignored.
///
/// Returns 0, or `UV_EINVAL` for a file or a descriptor that is not open.
/// See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_init>.
///
/// # Safety
/// `loop` is an initialised loop and `handle` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_tty_init(
    r#loop: *mut uv_loop_t,
    handle: *mut uv_tty_t,
    fd: uv_file,
    _readable: c_int,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Tty::init(handle.cast(), Loop::of(r#loop), fd) }.into_c()
}

/// Sets the mode of the terminal. Does not wait until output is written.
///
/// Returns 0, `UV_EINVAL` for an invalid mode, or an error of tcsetattr(3).
/// See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_set_mode>.
///
/// # Safety
/// `handle` is an initialised terminal handle.
#[no_mangle]
pub unsafe extern "C" fn uv_tty_set_mode(handle: *mut uv_tty_t, mode: uv_tty_mode_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Tty::of(handle) }.set_mode(mode).into_c()
}

/// Restores the original attributes of the first terminal whose mode was set. Call it when the program
/// ends. Async-signal-safe; does not change errno.
///
/// Returns 0, `UV_EBUSY` if it interrupts `uv_tty_set_mode()`, or an error of tcsetattr(3).
/// See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_reset_mode>.
#[no_mangle]
pub extern "C" fn uv_tty_reset_mode() -> c_int {
    let errno = sys::errno();
    let result = SAVED
        .try_with(|saved| match saved {
            Some(original) => tty::set_attributes(original.fd, &original.attributes),
            None => Ok(()),
        })
        .and_then(|result| result);
    sys::set_errno(errno);
    result.into_c()
}

/// Gets the size of the terminal's window in columns and rows.
///
/// Returns 0 or an error code.
/// See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_get_winsize>.
///
/// # Safety
/// `handle` is an initialised terminal handle; `width` and `height` are writable.
#[no_mangle]
pub unsafe extern "C" fn uv_tty_get_winsize(
    handle: *mut uv_tty_t,
    width: *mut c_int,
    height: *mut c_int,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        tty::window_size(Stream::of(handle).fd())
            .map(|size| {
                width.write(c_int::from(size.ws_col));
                height.write(c_int::from(size.ws_row));
            })
            .into_c()
    }
}

/// Has no effect, except on Windows.
///
/// See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_set_vterm_state>.
#[no_mangle]
pub extern "C" fn uv_tty_set_vterm_state(_state: uv_tty_vtermstate_t) {}

/// Returns `UV_ENOTSUP`, except on Windows.
///
/// See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_get_vterm_state>.
///
/// # Safety
/// The argument is not used.
#[no_mangle]
pub unsafe extern "C" fn uv_tty_get_vterm_state(_state: *mut uv_tty_vtermstate_t) -> c_int {
    Error::ENOTSUP.code()
}
