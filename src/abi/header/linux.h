/* Differences between Linux architectures. Part of uv/unix.h. */

#ifndef UV_LINUX_H
#define UV_LINUX_H

/* Flag of uv_fs_open(). O_DIRECT itself is defined only with _GNU_SOURCE. */
#if defined(__aarch64__) || defined(__arm__)
# define UV_FS_O_DIRECT 0x10000
#else
# define UV_FS_O_DIRECT 0x04000
#endif

#endif /* UV_LINUX_H */
