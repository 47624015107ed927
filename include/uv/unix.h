/* Made by build.rs from src/abi/unix.rs. Don't edit it; see src/abi/header/generate.rs. */

#ifndef UV_UNIX_H
#define UV_UNIX_H

#include <sys/types.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <dirent.h>

#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <netdb.h>

#include <termios.h>
#include <pwd.h>

#include <semaphore.h>
#include <sys/param.h>
#include <pthread.h>
#include <signal.h>

#include <stddef.h>
#include <stdint.h>

/* The C library declares these only if a program asks for its extensions. */
#ifndef NI_MAXHOST
# define NI_MAXHOST 1025
#endif
#ifndef NI_MAXSERV
# define NI_MAXSERV 32
#endif

struct uv_loop_s;

typedef struct uv_buf_t uv_buf_t;
typedef struct uv__io_s uv__io_t;
typedef struct uv_lib_s uv_lib_t;

/** A file descriptor of a file. */
typedef int uv_file;

/** A file descriptor of a socket. */
typedef int uv_os_sock_t;

/** A file descriptor of anything. */
typedef int uv_os_fd_t;

/** A process id. */
typedef pid_t uv_pid_t;

/** A user id. */
typedef uid_t uv_uid_t;

/** A group id. */
typedef gid_t uv_gid_t;

/**
 * See `uv_once()`; starts as `UV_ONCE_INIT`.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_once_t>.
 */
typedef pthread_once_t uv_once_t;

/**
 * A thread.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_t>.
 */
typedef pthread_t uv_thread_t;

/**
 * A mutex.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_t>.
 */
typedef pthread_mutex_t uv_mutex_t;

/**
 * A lock for many readers or one writer.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_t>.
 */
typedef pthread_rwlock_t uv_rwlock_t;

/**
 * A counting semaphore.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_t>.
 */
typedef sem_t uv_sem_t;

/**
 * A condition variable.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_t>.
 */
typedef pthread_cond_t uv_cond_t;

/**
 * A key for a thread-local pointer.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_key_t>.
 */
typedef pthread_key_t uv_key_t;

/**
 * A barrier.
 * See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_barrier_t>.
 */
typedef pthread_barrier_t uv_barrier_t;

/**
 * A piece of memory. Has the layout of `struct iovec`, so that an array of these can be given
 * to readv(2) and writev(2).
 * See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_buf_t>.
 */
struct uv_buf_t {
  /** Where it starts. */
  char *base;
  /** How many bytes it has. */
  size_t len;
};

/** Private: a link of a doubly linked list. */
struct uv__queue {
  struct uv__queue *next;
  struct uv__queue *prev;
};

/** Private: a watched file descriptor. */
struct uv__io_s {
  size_t bits;
  struct uv__queue pending_queue;
  struct uv__queue watcher_queue;
  unsigned int pevents;
  unsigned int events;
  int fd;
};

/**
 * A shared library opened by `uv_dlopen()`.
 * See <https://docs.libuv.org/en/v1.x/dll.html#c.uv_lib_t>.
 */
struct uv_lib_s {
  /** What dlopen(3) returned. */
  void *handle;
  /** The last error, for `uv_dlerror()`, or NULL. */
  char *errmsg;
};

#include "uv/threadpool.h"
#include "uv/linux.h"

#define UV_ONCE_INIT PTHREAD_ONCE_INIT

typedef struct dirent uv__dirent_t;

#if defined(DT_UNKNOWN)
# define HAVE_DIRENT_TYPES
# define UV__DT_FILE DT_REG
# define UV__DT_DIR DT_DIR
# define UV__DT_LINK DT_LNK
# define UV__DT_FIFO DT_FIFO
# define UV__DT_SOCKET DT_SOCK
# define UV__DT_CHAR DT_CHR
# define UV__DT_BLOCK DT_BLK
#endif

/* Flags of uv_fs_open(). Those that the system lacks, or hides from a strictly standard
 * program, are 0. */
#define UV_FS_O_APPEND O_APPEND
#define UV_FS_O_CREAT O_CREAT
#define UV_FS_O_DSYNC O_DSYNC
#define UV_FS_O_EXCL O_EXCL
#define UV_FS_O_NOCTTY O_NOCTTY
#define UV_FS_O_NONBLOCK O_NONBLOCK
#define UV_FS_O_RDONLY O_RDONLY
#define UV_FS_O_RDWR O_RDWR
#define UV_FS_O_SYNC O_SYNC
#define UV_FS_O_TRUNC O_TRUNC
#define UV_FS_O_WRONLY O_WRONLY

#if defined(O_DIRECTORY)
# define UV_FS_O_DIRECTORY O_DIRECTORY
#else
# define UV_FS_O_DIRECTORY 0
#endif
#if defined(O_NOATIME)
# define UV_FS_O_NOATIME O_NOATIME
#else
# define UV_FS_O_NOATIME 0
#endif
#if defined(O_NOFOLLOW)
# define UV_FS_O_NOFOLLOW O_NOFOLLOW
#else
# define UV_FS_O_NOFOLLOW 0
#endif

/* On other systems only. */
#define UV_FS_O_EXLOCK 0
#define UV_FS_O_FILEMAP 0
#define UV_FS_O_RANDOM 0
#define UV_FS_O_SEQUENTIAL 0
#define UV_FS_O_SHORT_LIVED 0
#define UV_FS_O_SYMLINK 0
#define UV_FS_O_TEMPORARY 0

#endif /* UV_UNIX_H */
