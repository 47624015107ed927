//! Constants that are macros in C.

use core::ffi::c_int;

/// Major version: changes when the ABI does.
pub const UV_VERSION_MAJOR: c_int = 1;
/// Minor version: changes when functions are added.
pub const UV_VERSION_MINOR: c_int = 53;
/// Patch version.
pub const UV_VERSION_PATCH: c_int = 0;
/// 1 in a release, 0 otherwise.
pub const UV_VERSION_IS_RELEASE: c_int = 1;

/// For `uv_fs_copyfile()`: fail with `UV_EEXIST` if the destination exists.
pub const UV_FS_COPYFILE_EXCL: c_int = 1;
/// For `uv_fs_copyfile()`: share the blocks with the original (a reflink), or copy them if that is not
/// possible.
pub const UV_FS_COPYFILE_FICLONE: c_int = 2;
/// For `uv_fs_copyfile()`: share the blocks with the original, or fail.
pub const UV_FS_COPYFILE_FICLONE_FORCE: c_int = 4;

/// For `uv_fs_symlink()` on Windows: the target is a directory.
pub const UV_FS_SYMLINK_DIR: c_int = 1;
/// For `uv_fs_symlink()` on Windows: make a junction point.
pub const UV_FS_SYMLINK_JUNCTION: c_int = 2;

/// For `uv_os_setpriority()`: the lowest priority.
pub const UV_PRIORITY_LOW: c_int = 19;
/// For `uv_os_setpriority()`: below normal.
pub const UV_PRIORITY_BELOW_NORMAL: c_int = 10;
/// For `uv_os_setpriority()`: normal.
pub const UV_PRIORITY_NORMAL: c_int = 0;
/// For `uv_os_setpriority()`: above normal. This and the higher ones need privileges.
pub const UV_PRIORITY_ABOVE_NORMAL: c_int = -7;
/// For `uv_os_setpriority()`: high.
pub const UV_PRIORITY_HIGH: c_int = -14;
/// For `uv_os_setpriority()`: the highest priority.
pub const UV_PRIORITY_HIGHEST: c_int = -20;
