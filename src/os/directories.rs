//! Paths: the working directory, the program's file, the home directory and that of temporary files.

use crate::abi::*;
use crate::ffi::TextOut;
use crate::sys::{self, environment};
use core::ffi::{c_char, c_int, CStr};

/// The size of a buffer for a path that may be too long for the caller's.
const PATH_SIZE: usize = libc::PATH_MAX as usize + 1;

/// Gets the working directory. `size` goes in as the size of `buffer` and comes out as the length
/// of the path.
///
/// Returns 0; `UV_ENOBUFS` if the buffer is too small, with the size that is needed in `size`;
/// `UV_EINVAL` for NULL and for a size of 0; `UV_ENOENT` if the directory has been removed.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_cwd>.
///
/// # Safety
/// Each pointer is NULL or valid; `buffer` has room for `*size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_cwd(buffer: *mut c_char, size: *mut usize) -> c_int {
    let get = || {
        // SAFETY: as documented.
        let out = unsafe { TextOut::new(buffer, size)? };
        let (room, size) = out.room();
        // A path longer than PATH_MAX needs the caller's buffer.
        // SAFETY: the buffer has `size` bytes.
        match unsafe { sys::directory::current(room, size) } {
            Ok(length) => {
                out.set_size(length);
                Ok(())
            }
            Err(Error::ERANGE) => {
                let mut path = [0u8; PATH_SIZE];
                // SAFETY: the size is the buffer's.
                let length = unsafe { sys::directory::current(path.as_mut_ptr(), path.len())? };
                out.put(&path[..length])
            }
            Err(error) => Err(error),
        }
    };
    get().into_c()
}

/// Changes the working directory of the process.
///
/// Returns 0; `UV_EFAULT` for NULL; or another error code such as `UV_ENOENT`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_chdir>.
///
/// # Safety
/// `dir` is NULL or a string.
#[no_mangle]
pub unsafe extern "C" fn uv_chdir(dir: *const c_char) -> c_int {
    if dir.is_null() {
        return Error::EFAULT.code();
    }
    // SAFETY: as documented.
    sys::directory::change(unsafe { CStr::from_ptr(dir) }).into_c()
}

/// Gets the path of the program's file, truncated to the buffer. `size` goes in as the size of `buffer`
/// and comes out as the length of the path.
///
/// Returns 0; `UV_EINVAL` for NULL and for a size of 0; another error code if `/proc` is missing.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_exepath>.
///
/// # Safety
/// Each pointer is NULL or valid; `buffer` has room for `*size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_exepath(buffer: *mut c_char, size: *mut usize) -> c_int {
    let get = || {
        // SAFETY: as documented.
        let out = unsafe { TextOut::new(buffer, size)? };
        let mut path = [0u8; PATH_SIZE];
        let length = sys::directory::read_link(c"/proc/self/exe", &mut path)?;
        out.put_cut(&path[..length]);
        Ok(())
    };
    get().into_c()
}

/// Gets the user's home directory: the environment variable `HOME`, or else the entry of the user
/// database. `size` goes in as the size of `buffer` and comes out as the length of the path.
///
/// Returns 0; `UV_ENOBUFS` if the buffer is too small, with the size that is needed in `size`;
/// `UV_EINVAL` for NULL and for a size of 0; `UV_ENOENT` if the user is unknown.
/// Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_homedir>.
///
/// # Safety
/// Each pointer is NULL or valid; `buffer` has room for `*size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_os_homedir(buffer: *mut c_char, size: *mut usize) -> c_int {
    let get = || {
        // SAFETY: as documented.
        let out = unsafe { TextOut::new(buffer, size)? };
        // SAFETY: not thread-safe, as documented; the value is not used after this function.
        if let Some(home) = unsafe { environment::get(c"HOME") } {
            // SAFETY: the value is a string.
            return unsafe { out.put_overlapping(home.to_bytes()) };
        }
        sys::user::user(sys::user::effective_id(), |user| out.put(user.home.to_bytes()))
    };
    get().into_c()
}

/// Gets the directory for temporary files: the first of the environment variables `TMPDIR`, `TMP`,
/// `TEMP` and `TEMPDIR` that exists, or else `/tmp`. A slash at the end is removed. `size` goes in as the
/// size of `buffer` and comes out as the length of the path.
///
/// Returns 0; `UV_ENOBUFS` if the buffer is too small, with the size that is needed in `size`;
/// `UV_EINVAL` for NULL and for a size of 0.
/// Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_tmpdir>.
///
/// # Safety
/// Each pointer is NULL or valid; `buffer` has room for `*size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_os_tmpdir(buffer: *mut c_char, size: *mut usize) -> c_int {
    let get = || {
        // SAFETY: as documented.
        let out = unsafe { TextOut::new(buffer, size)? };
        let path = [c"TMPDIR", c"TMP", c"TEMP", c"TEMPDIR"]
            .into_iter()
            // SAFETY: not thread-safe, as documented; the value is not used after this function.
            .find_map(|name| unsafe { environment::get(name) })
            .unwrap_or(c"/tmp")
            .to_bytes();
        // As in libuv, the buffer needs room for the slash.
        out.require_room(path.len())?;
        let path = path.strip_suffix(b"/").filter(|rest| !rest.is_empty()).unwrap_or(path);
        // SAFETY: the path is readable.
        unsafe { out.put_overlapping(path) }
    };
    get().into_c()
}
