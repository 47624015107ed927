//! The user and group databases.

use super::c;
use crate::abi::{Error, Result};
use crate::memory;
use core::ffi::{c_char, c_int, CStr};
use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// Returns the effective user id of the process.
pub fn effective_id() -> libc::uid_t {
    // SAFETY: takes nothing.
    unsafe { c::geteuid() }
}

pub struct User<'a> {
    pub name: &'a CStr,
    pub home: &'a CStr,
    pub shell: &'a CStr,
    pub uid: libc::uid_t,
    pub gid: libc::gid_t,
}

pub struct Group<'a> {
    pub name: &'a CStr,
    pub gid: libc::gid_t,
    /// An array of names that ends with NULL.
    members: *const *mut c_char,
    _lifetime: core::marker::PhantomData<&'a CStr>,
}

impl<'a> Group<'a> {
    pub fn members(&self) -> impl Iterator<Item = &'a CStr> {
        let mut next = self.members;
        core::iter::from_fn(move || {
            // SAFETY: the array lives for 'a, and ends with the NULL.
            unsafe {
                if (*next).is_null() {
                    return None;
                }
                let member = CStr::from_ptr(*next);
                next = next.add(1);
                Some(member)
            }
        })
    }
}

/// Memory for the strings of an entry.
struct Buffer {
    block: NonNull<c_char>,
    size: usize,
}

impl Buffer {
    fn new(size: usize) -> Result<Buffer> {
        Ok(Buffer { block: memory::malloc(size)?.cast(), size })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the block came from `malloc`, and `self` is its owner.
        unsafe { memory::free(self.block.as_ptr().cast()) };
    }
}

/// Calls a look-up function with a buffer that is large enough and passes the entry to `then`. The
/// function fills in its first argument, with strings in the buffer, and stores a pointer to it, or NULL
/// if there is no such entry.
fn look_up<Entry, T>(
    call: impl Fn(*mut Entry, &Buffer, *mut *mut Entry) -> c_int,
    then: impl FnOnce(&Entry) -> Result<T>,
) -> Result<T> {
    let mut buffer = Buffer::new(2000)?;
    loop {
        let mut entry = MaybeUninit::uninit();
        let mut found = core::ptr::null_mut();
        match call(entry.as_mut_ptr(), &buffer, &raw mut found) {
            0 if found.is_null() => return Err(Error::ENOENT),
            // SAFETY: the function has filled in the entry.
            0 => return then(unsafe { entry.assume_init_ref() }),
            libc::EINTR => {}
            libc::ERANGE => buffer = Buffer::new(buffer.size.saturating_mul(2))?,
            errno => return Err(Error::from_errno(errno)),
        }
    }
}

/// Looks up a user and passes the entry to `then`; `ENOENT` if there is none.
pub fn user<T>(uid: libc::uid_t, then: impl FnOnce(User<'_>) -> Result<T>) -> Result<T> {
    look_up(
        |entry, buffer, found| {
            // SAFETY: the pointers are to live memory, and the size is the buffer's.
            unsafe { c::getpwuid_r(uid, entry, buffer.block.as_ptr(), buffer.size, found) }
        },
        |entry: &libc::passwd| {
            let text = |text: *const c_char| match text.is_null() {
                true => c"",
                // SAFETY: the strings are in the buffer, which lives until `then` returns.
                false => unsafe { CStr::from_ptr(text) },
            };
            then(User {
                name: text(entry.pw_name),
                home: text(entry.pw_dir),
                shell: text(entry.pw_shell),
                uid: entry.pw_uid,
                gid: entry.pw_gid,
            })
        },
    )
}

/// Looks up a group and passes the entry to `then`; `ENOENT` if there is none.
pub fn group<T>(gid: libc::gid_t, then: impl FnOnce(Group<'_>) -> Result<T>) -> Result<T> {
    look_up(
        |entry, buffer, found| {
            // SAFETY: the pointers are to live memory, and the size is the buffer's.
            unsafe { c::getgrgid_r(gid, entry, buffer.block.as_ptr(), buffer.size, found) }
        },
        |entry: &libc::group| {
            then(Group {
                // SAFETY: the string is in the buffer, which lives until `then` returns.
                name: unsafe { CStr::from_ptr(entry.gr_name) },
                gid: entry.gr_gid,
                members: entry.gr_mem,
                _lifetime: core::marker::PhantomData,
            })
        },
    )
}
