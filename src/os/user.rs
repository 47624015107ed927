//! Users and groups, from the databases of the system.

use crate::abi::*;
use crate::memory;
use crate::sys::user::{self, Group, User};
use core::ffi::{c_char, c_int, c_ulong, CStr};
use core::mem::size_of;
use core::ptr;

/// Copies strings one after another to a block.
struct Packer(*mut c_char);

impl Packer {
    /// # Safety
    /// The block has room for this string after the previous ones.
    unsafe fn add(&mut self, text: &CStr) -> *mut c_char {
        let copy = self.0;
        let size = text.count_bytes() + 1;
        // SAFETY: as documented; a fresh block overlaps nothing.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), copy, size);
            self.0 = copy.add(size);
        }
        copy
    }
}

/// Copies a user. The strings are in one block, which starts at `username`.
fn copy_user(user: User<'_>) -> Result<uv_passwd_t> {
    let texts = [user.name, user.home, user.shell];
    let block = memory::malloc(texts.iter().map(|text| text.count_bytes() + 1).sum())?;
    let mut packer = Packer(block.as_ptr().cast());
    // SAFETY: the block has room for the three strings.
    let [username, homedir, shell] = texts.map(|text| unsafe { packer.add(text) });
    let (uid, gid) = (c_ulong::from(user.uid), c_ulong::from(user.gid));
    Ok(uv_passwd_t { username, uid, gid, shell, homedir })
}

/// Copies a group. The array and the strings are in one block, which starts at `members`.
fn copy_group(group: Group<'_>) -> Result<uv_group_t> {
    let (count, bytes) = group
        .members()
        .fold((0, 0), |(count, bytes), member| (count + 1, bytes + member.count_bytes() + 1));
    let array_size = (count + 1) * size_of::<*mut c_char>();
    let block = memory::malloc(array_size + bytes + group.name.count_bytes() + 1)?;
    let members = block.as_ptr().cast::<*mut c_char>();
    // SAFETY: the block has room for the array, its NULL and the strings.
    unsafe {
        let mut packer = Packer(members.add(count + 1).cast());
        let groupname = packer.add(group.name);
        for (n, member) in group.members().enumerate() {
            members.add(n).write(packer.add(member));
        }
        members.add(count).write(ptr::null_mut());
        Ok(uv_group_t { groupname, gid: c_ulong::from(group.gid), members })
    }
}

/// Gets the effective user of the process. `uv_os_free_passwd()` frees the strings.
///
/// Returns 0; `UV_ENOENT` if it is not in the user database; `UV_EINVAL` for NULL; `UV_ENOMEM`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_get_passwd>.
///
/// # Safety
/// `pwd` is NULL or good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_os_get_passwd(pwd: *mut uv_passwd_t) -> c_int {
    // SAFETY: as documented.
    unsafe { uv_os_get_passwd2(pwd, user::effective_id()) }
}

/// Gets the user with this id. `uv_os_free_passwd()` frees the strings.
///
/// Returns 0; `UV_ENOENT` if it is not in the user database; `UV_EINVAL` for NULL; `UV_ENOMEM`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_get_passwd2>.
///
/// # Safety
/// `pwd` is NULL or good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_os_get_passwd2(pwd: *mut uv_passwd_t, uid: uv_uid_t) -> c_int {
    if pwd.is_null() {
        return Error::EINVAL.code();
    }
    // SAFETY: as documented.
    user::user(uid, copy_user).map(|entry| unsafe { pwd.write(entry) }).into_c()
}

/// Frees the strings of `uv_os_get_passwd()` and sets them to NULL. Freeing twice is harmless, and
/// NULL is allowed.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_free_passwd>.
///
/// # Safety
/// `pwd` is NULL or was filled in by `uv_os_get_passwd()` or `uv_os_get_passwd2()`.
#[no_mangle]
pub unsafe extern "C" fn uv_os_free_passwd(pwd: *mut uv_passwd_t) {
    if pwd.is_null() {
        return;
    }
    // SAFETY: as documented; the strings are in one block, which starts at the name.
    unsafe {
        memory::free((*pwd).username.cast());
        (*pwd).username = ptr::null_mut();
        (*pwd).shell = ptr::null_mut();
        (*pwd).homedir = ptr::null_mut();
    }
}

/// Gets the group with this id. `uv_os_free_group()` frees the strings.
///
/// Returns 0; `UV_ENOENT` if it is not in the group database; `UV_EINVAL` for NULL;
/// `UV_ENOMEM`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_get_group>.
///
/// # Safety
/// `grp` is NULL or good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_os_get_group(grp: *mut uv_group_t, gid: uv_uid_t) -> c_int {
    if grp.is_null() {
        return Error::EINVAL.code();
    }
    // SAFETY: as documented.
    user::group(gid, copy_group).map(|entry| unsafe { grp.write(entry) }).into_c()
}

/// Frees the strings of `uv_os_get_group()` and sets them to NULL. Freeing twice is harmless, and
/// NULL is allowed.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_free_group>.
///
/// # Safety
/// `grp` is NULL or was filled in by `uv_os_get_group()`.
#[no_mangle]
pub unsafe extern "C" fn uv_os_free_group(grp: *mut uv_group_t) {
    if grp.is_null() {
        return;
    }
    // SAFETY: as documented; the array and the strings are in one block, which starts at the array.
    unsafe {
        memory::free((*grp).members.cast());
        (*grp).groupname = ptr::null_mut();
        (*grp).members = ptr::null_mut();
    }
}
