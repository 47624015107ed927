//! Permissions, owners and times: access, chmod, chown, utime, and their forms for open files and
//! links.

use super::{zero, Arguments, FsRequest, Operation, NONE};
use crate::abi::*;
use crate::sys::{self, fs::Target};
use core::ffi::{c_char, c_int};
use libc::{mode_t, timespec};

pub(super) static ACCESS: Operation =
    Operation::on_path(UV_FS_ACCESS, |req| sys::fs::access(req.path(), req.flags.get()).map(zero));

pub(super) static CHMOD: Operation =
    Operation::on_path(UV_FS_CHMOD, |req| chmod(req, Target::Path(req.path())));

pub(super) static FCHMOD: Operation =
    Operation::new(UV_FS_FCHMOD, |req| chmod(req, Target::File(req.file.get())));

pub(super) static CHOWN: Operation =
    Operation::on_path(UV_FS_CHOWN, |req| chown(req, Target::Path(req.path())));

pub(super) static FCHOWN: Operation =
    Operation::new(UV_FS_FCHOWN, |req| chown(req, Target::File(req.file.get())));

pub(super) static LCHOWN: Operation =
    Operation::on_path(UV_FS_LCHOWN, |req| chown(req, Target::Link(req.path())));

pub(super) static UTIME: Operation =
    Operation::on_path(UV_FS_UTIME, |req| utime(req, Target::Path(req.path())));

pub(super) static FUTIME: Operation =
    Operation::new(UV_FS_FUTIME, |req| utime(req, Target::File(req.file.get())));

pub(super) static LUTIME: Operation =
    Operation::on_path(UV_FS_LUTIME, |req| utime(req, Target::Link(req.path())));

#[inline(never)]
fn chmod(request: &FsRequest, target: Target<'_>) -> Result<isize> {
    sys::fs::chmod(target, request.mode.get()).map(zero)
}

#[inline(never)]
fn chown(request: &FsRequest, target: Target<'_>) -> Result<isize> {
    sys::fs::chown(target, request.uid.get(), request.gid.get()).map(zero)
}

#[inline(never)]
fn utime(request: &FsRequest, target: Target<'_>) -> Result<isize> {
    let times = [to_timespec(request.atime.get())?, to_timespec(request.mtime.get())?];
    sys::fs::set_times(target, times).map(zero)
}

/// Converts seconds since 1970 to the kernel's form. Infinity means the current time, NaN no change.
/// Fractions of a nanosecond are dropped.
fn to_timespec(time: f64) -> Result<timespec> {
    if time.is_infinite() {
        return Ok(timespec { tv_sec: 0, tv_nsec: libc::UTIME_NOW });
    }
    if time.is_nan() {
        return Ok(timespec { tv_sec: 0, tv_nsec: libc::UTIME_OMIT });
    }
    if time.abs() >= i64::MAX as f64 {
        return Err(Error::EINVAL);
    }
    // Unlike trunc(), which some versions of std take from libm, the cast needs no library.
    let seconds = time as i64;
    let nanoseconds = ((time - seconds as f64) * 1e9) as i64;
    // The nanoseconds of a time before 1970 count from the previous second.
    let borrow = i64::from(nanoseconds < 0);
    Ok(timespec { tv_sec: seconds - borrow, tv_nsec: nanoseconds + borrow * 1_000_000_000 })
}

/// Checks whether the process may access a file: access(2).
///
/// `mode` is `F_OK`, or `R_OK`, `W_OK` and `X_OK` combined with `|`. The result is 0 or an error.
/// `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_access>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_access(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    mode: c_int,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { ACCESS.start_rare(r#loop, req, cb, Arguments { path, flags: mode, ..NONE }) }
}

/// Sets the permissions of a file: chmod(2).
///
/// The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_chmod>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_chmod(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    mode: c_int,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { CHMOD.start_rare(r#loop, req, cb, Arguments { path, mode: mode as mode_t, ..NONE }) }
}

/// Sets the permissions of an open file: fchmod(2).
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_fchmod>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_fchmod(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    file: uv_file,
    mode: c_int,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { FCHMOD.start_rare(r#loop, req, cb, Arguments { file, mode: mode as mode_t, ..NONE }) }
}

/// Sets the owner and the group of a file: chown(2). An id of -1 does not change.
///
/// The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_chown>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_chown(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    uid: uv_uid_t,
    gid: uv_gid_t,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { CHOWN.start_rare(r#loop, req, cb, Arguments { path, uid, gid, ..NONE }) }
}

/// Sets the owner and the group of an open file: fchown(2).
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_fchown>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_fchown(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    file: uv_file,
    uid: uv_uid_t,
    gid: uv_gid_t,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { FCHOWN.start_rare(r#loop, req, cb, Arguments { file, uid, gid, ..NONE }) }
}

/// Sets the owner and the group of a symbolic link itself: lchown(2).
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_lchown>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_lchown(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    uid: uv_uid_t,
    gid: uv_gid_t,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { LCHOWN.start_rare(r#loop, req, cb, Arguments { path, uid, gid, ..NONE }) }
}

/// Sets the times of a file's last access and last change: utimensat(2).
///
/// `atime` and `mtime` are seconds since 1970, with fractions; `UV_FS_UTIME_NOW` is the current time,
/// `UV_FS_UTIME_OMIT` does not change a time. The result is 0 or an error, `UV_EINVAL` for a time
/// out of range. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_utime>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_utime(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    atime: f64,
    mtime: f64,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { UTIME.start_rare(r#loop, req, cb, Arguments { path, atime, mtime, ..NONE }) }
}

/// Sets the times of an open file, as `uv_fs_utime()` does: futimens(3).
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_futime>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_futime(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    file: uv_file,
    atime: f64,
    mtime: f64,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { FUTIME.start_rare(r#loop, req, cb, Arguments { file, atime, mtime, ..NONE }) }
}

/// Sets the times of a symbolic link itself, as `uv_fs_utime()` does.
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_lutime>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_lutime(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    atime: f64,
    mtime: f64,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { LUTIME.start_rare(r#loop, req, cb, Arguments { path, atime, mtime, ..NONE }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_split_at_the_second_below() {
        for (time, sec, nsec) in [
            (0.0, 0, 0),
            (1.25, 1, 250_000_000),
            (-0.5, -1, 500_000_000),
            (-1.25, -2, 750_000_000),
            (-3.0, -3, 0),
            (1e-9, 0, 1),
            (-1e-9, -1, 999_999_999),
            (0.999_999_999, 0, 999_999_999),
        ] {
            let split = to_timespec(time).unwrap();
            assert_eq!((split.tv_sec, split.tv_nsec), (sec, nsec), "{time}");
        }
    }

    #[test]
    fn special_times() {
        for time in [f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(to_timespec(time).unwrap().tv_nsec, libc::UTIME_NOW);
        }
        assert_eq!(to_timespec(f64::NAN).unwrap().tv_nsec, libc::UTIME_OMIT);
        for time in [1e30, -1e30, 9_223_372_036_854_775_807.0] {
            assert!(matches!(to_timespec(time), Err(Error::EINVAL)));
        }
    }
}
