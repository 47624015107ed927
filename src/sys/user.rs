//! The databases of users and groups.

use super::c;
use crate::abi::{Error, Result};
use crate::memory;
use core::ffi::{c_char, c_int, CStr};
use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// The user whose rights the process has.
pub fn effective_id() -> libc::uid_t {
    // SAFETY: the call needs nothing and cannot fail.
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
    /// Names, ended by NULL.
    members: *const *mut c_char,
    _lifetime: core::marker::PhantomData<&'a CStr>,
}

impl<'a> Group<'a> {
    pub fn members(&self) -> impl Iterator<Item = &'a CStr> {
        let mut next = self.members;
        core::iter::from_fn(move || {
            // SAFETY: `next` is within the array, which NULL ends and which lives for 'a.
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
        // SAFETY: the block came from `malloc` and is not used again.
        unsafe { memory::free(self.block.as_ptr().cast()) };
    }
}

/// Calls one of the look-up functions with a buffer that is large enough. It gets memory for the
/// entry, the buffer, and a place for the pointer to the entry, which is NULL if there is none.
fn look_up<Entry, T>(
    call: impl Fn(*mut Entry, &Buffer, *mut *mut Entry) -> c_int,
    then: impl FnOnce(&Entry) -> Result<T>,
) -> Result<T> {
    let mut buffer = Buffer::new(2000)?;
    loop {
        let mut entry = MaybeUninit::uninit();
        let mut found = core::ptr::null_mut();
        match call(entry.as_mut_ptr(), &buffer, &mut found) {
            0 if found.is_null() => return Err(Error::ENOENT),
            // SAFETY: the call succeeded and filled the entry in.
            0 => return then(unsafe { entry.assume_init_ref() }),
            libc::EINTR => {}
            libc::ERANGE => buffer = Buffer::new(buffer.size.saturating_mul(2))?,
            errno => return Err(Error::from_errno(errno)),
        }
    }
}

/// Looks a user up and hands the entry to `then`; `ENOENT` if there is none.
pub fn user<T>(uid: libc::uid_t, then: impl FnOnce(User<'_>) -> Result<T>) -> Result<T> {
    look_up(
        |entry, buffer, found| {
            // SAFETY: all pointers are live, and the buffer is as large as it says.
            unsafe { c::getpwuid_r(uid, entry, buffer.block.as_ptr(), buffer.size, found) }
        },
        |entry: &libc::passwd| {
            let text = |text: *const c_char| match text.is_null() {
                true => c"",
                // SAFETY: the strings are in the buffer, which lives during the call.
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

/// Looks a group up and hands the entry to `then`; `ENOENT` if there is none.
pub fn group<T>(gid: libc::gid_t, then: impl FnOnce(Group<'_>) -> Result<T>) -> Result<T> {
    look_up(
        |entry, buffer, found| {
            // SAFETY: all pointers are live, and the buffer is as large as it says.
            unsafe { c::getgrgid_r(gid, entry, buffer.block.as_ptr(), buffer.size, found) }
        },
        |entry: &libc::group| {
            then(Group {
                // SAFETY: the string is in the buffer, which lives during the call.
                name: unsafe { CStr::from_ptr(entry.gr_name) },
                gid: entry.gr_gid,
                members: entry.gr_mem,
                _lifetime: core::marker::PhantomData,
            })
        },
    )
}
