//! Tells which library a program runs on.

use crate::sys::{environment, fd, library};
use core::ffi::{c_char, c_uint};
use core::fmt::{self, Write};

/// The version of oxuv, its commit, and the version of libuv whose interface it has. `strings` finds it in the
/// library.
const VERSION: &str = concat!(
    "oxuv ",
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("OXUV_COMMIT"),
    ", interface of libuv 1.53.0)\0"
);

/// Returns oxuv's own version as one number, as `uv_version()` does for libuv's: 0x013500 for 1.53.0.
#[no_mangle]
pub extern "C" fn oxuv_version() -> c_uint {
    const fn number(text: &str) -> c_uint {
        let mut value = 0;
        let mut i = 0;
        while i < text.len() {
            value = value * 10 + (text.as_bytes()[i] - b'0') as c_uint;
            i += 1;
        }
        value
    }
    const {
        number(env!("CARGO_PKG_VERSION_MAJOR")) << 16
            | number(env!("CARGO_PKG_VERSION_MINOR")) << 8
            | number(env!("CARGO_PKG_VERSION_PATCH"))
    }
}

/// Returns oxuv's own version, its commit, and the version of libuv whose interface it has, as text. The string is
/// static.
#[no_mangle]
pub extern "C" fn oxuv_version_string() -> *const c_char {
    VERSION.as_ptr().cast()
}

/// A text of limited length, which needs no memory of the heap. What does not fit is cut off.
struct Text {
    bytes: [u8; 4096],
    length: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.length..];
        let length = text.len().min(room.len());
        room[..length].copy_from_slice(&text.as_bytes()[..length]);
        self.length += length;
        Ok(())
    }
}

/// Writes to stderr what this library is, where it was loaded from, and the variables that it reads.
#[cold]
#[inline(never)]
fn report() {
    let mut text = Text { bytes: [0; 4096], length: 0 };
    let version = VERSION.trim_end_matches('\0');
    let checks = if cfg!(feature = "check") { ", reports misuse" } else { "" };
    let _ = write!(text, "oxuv: {version}{checks}\noxuv: loaded from ");
    let path = library::path_of(oxuv_version as *const ());
    let _ = text.write_str(path.map_or("?", |path| path.to_str().unwrap_or("?")));
    let _ = text.write_str("\noxuv: with");
    // SAFETY: the dynamic linker calls this function. A program that changes its environment in another thread while
    // it loads a library has the same race with the dynamic linker.
    for entry in unsafe { environment::entries() } {
        match entry.to_str() {
            Ok(entry) if entry.starts_with("OXUV_") || entry.starts_with("UV_") => {
                let _ = write!(text, " {entry}");
            }
            _ => {}
        }
    }
    let _ = text.write_str("\n");
    let _ = fd::write_uncancelled(libc::STDERR_FILENO, &text.bytes[..text.length]);
}

extern "C" fn at_load() {
    // SAFETY: as in `report`.
    if unsafe { environment::get_secure(c"OXUV_VERBOSE") } == Some(c"1") {
        report();
    }
}

/// Makes the dynamic linker call `at_load` when it has loaded the library.
#[cfg(not(miri))]
#[used]
#[link_section = ".init_array"]
static AT_LOAD: extern "C" fn() = at_load;
