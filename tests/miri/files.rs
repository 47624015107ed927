//! File operations, with and without a callback.

use super::api::*;
use core::ffi::{c_char, c_int, CStr};
use core::mem::MaybeUninit;
use core::ptr;
use libc::ssize_t;
use std::ffi::CString;

/// Calls `begin` with a request and a callback; runs the loop until that is called, and returns the
/// request, to be cleaned up.
unsafe fn wait(
    l: *mut uv_loop_t,
    begin: impl FnOnce(*mut uv_fs_t, uv_fs_cb) -> c_int,
) -> *mut uv_fs_t {
    unsafe extern "C-unwind" fn on_done(req: *mut uv_fs_t) {
        *(*req).base.data.cast::<bool>() = true;
    }
    let mut done = false;
    let req = alloc::<uv_fs_t>();
    (*req).base.data = (&raw mut done).cast();
    ok(begin(req, Some(on_done)));
    while !(&raw const done).read_volatile() {
        uv_run(l, UV_RUN_ONCE);
    }
    req
}

/// Cleans a request up and frees it; returns its result.
unsafe fn result(req: *mut uv_fs_t) -> ssize_t {
    let result = uv_fs_get_result(req);
    uv_fs_req_cleanup(req);
    free(req);
    result
}

#[test]
fn a_file_is_written_read_and_removed() {
    with_loop(|l| unsafe {
        let temporary = CString::new(std::env::temp_dir().join("oxuv-XXXXXX").to_str().unwrap());
        let template = temporary.unwrap();
        let made = wait(l, |req, cb| uv_fs_mkdtemp(l, req, template.as_ptr(), cb));
        let directory = CStr::from_ptr((*made).path).to_str().unwrap().to_owned();
        ok(result(made) as c_int);
        let path = CString::new(format!("{directory}/one")).unwrap();
        let other = CString::new(format!("{directory}/other")).unwrap();
        let entry = CString::new(directory).unwrap();

        let flags = libc::O_CREAT | libc::O_RDWR;
        let file = wait(l, |req, cb| uv_fs_open(l, req, path.as_ptr(), flags, 0o600, cb));
        let file = result(file) as c_int;
        assert!(file >= 0);
        // More buffers than a request has room for, and fewer.
        let parts: [uv_buf_t; 6] = core::array::from_fn(|_| buf(b"abc"));
        let written = wait(l, |req, cb| uv_fs_write(l, req, file, parts.as_ptr(), 1, 0, cb));
        let written = result(written);
        assert!((1..=3).contains(&written));
        let more =
            wait(l, |req, cb| uv_fs_write(l, req, file, parts.as_ptr(), 6, written as i64, cb));
        assert!(result(more) > 0);
        let bytes = alloc::<[u8; 64]>();
        let room = uv_buf_t { base: bytes.cast(), len: 64 };
        let read = wait(l, |req, cb| uv_fs_read(l, req, file, &room, 1, 0, cb));
        assert!(result(read) > 0);
        assert_eq!(bytes.cast::<u8>().read(), b'a');
        free(bytes);
        ok(result(wait(l, |req, cb| uv_fs_fsync(l, req, file, cb))) as c_int);
        ok(result(wait(l, |req, cb| uv_fs_close(l, req, file, cb))) as c_int);

        let stat = wait(l, |req, cb| uv_fs_stat(l, req, path.as_ptr(), cb));
        assert!((*stat).statbuf.st_size > 1);
        ok(result(stat) as c_int);
        ok(result(wait(l, |req, cb| uv_fs_rename(l, req, path.as_ptr(), other.as_ptr(), cb))) as _);
        let scan = wait(l, |req, cb| uv_fs_scandir(l, req, entry.as_ptr(), 0, cb));
        let mut found = MaybeUninit::<uv_dirent_t>::uninit();
        ok(uv_fs_scandir_next(scan, found.as_mut_ptr()));
        assert_eq!(CStr::from_ptr(found.assume_init().name), c"other");
        assert_eq!(uv_fs_scandir_next(scan, found.as_mut_ptr()), Error::EOF.code());
        assert_eq!(result(scan), 1);
        ok(result(wait(l, |req, cb| uv_fs_unlink(l, req, other.as_ptr(), cb))) as c_int);
        ok(result(wait(l, |req, cb| uv_fs_rmdir(l, req, entry.as_ptr(), cb))) as c_int);
    });
}

#[test]
fn file_operations_without_a_callback() {
    unsafe {
        let req = alloc::<uv_fs_t>();
        let path: *const c_char = c"/does/not/exist".as_ptr();
        let none = Error::ENOENT.code();
        assert_eq!(uv_fs_stat(ptr::null_mut(), req, path, None), none);
        assert_eq!(result(req), none as ssize_t);
        let req = alloc::<uv_fs_t>();
        ok(uv_fs_stat(ptr::null_mut(), req, c"/".as_ptr(), None));
        assert_eq!((*req).statbuf.st_mode as u32 & libc::S_IFMT, libc::S_IFDIR);
        ok(result(req) as c_int);
    }
}

#[test]
fn a_path_is_polled() {
    unsafe extern "C-unwind" fn on_poll(
        poll: *mut uv_fs_poll_t,
        status: c_int,
        previous: *const uv_stat_t,
        current: *const uv_stat_t,
    ) {
        assert_eq!(status, Error::ENOENT.code());
        assert_eq!((*previous).st_size + (*current).st_size, 0);
        close(poll);
    }
    with_loop(|l| unsafe {
        let polls: [*mut uv_fs_poll_t; 2] = core::array::from_fn(|_| alloc());
        for poll in polls {
            ok(uv_fs_poll_init(l, poll));
            ok(uv_fs_poll_start(poll, Some(on_poll), c"/does/not/exist".as_ptr(), 1));
        }
        // While the pool has its request.
        close(polls[1]);
    });
}
