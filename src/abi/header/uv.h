/* oxuv: an event loop with libuv's C ABI. */
/* Made by build.rs from the Rust sources. Don't edit it; see src/abi/header/generate.rs. */

#ifndef UV_H
#define UV_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(BUILDING_UV_SHARED) && defined(USING_UV_SHARED)
# error "BUILDING_UV_SHARED and USING_UV_SHARED exclude each other."
#endif

#ifndef UV_EXTERN
# if defined(__GNUC__)
#  define UV_EXTERN __attribute__((visibility("default")))
# else
#  define UV_EXTERN
# endif
#endif

#include "uv/errno.h"
#include "uv/version.h"

#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <math.h>

#include "uv/unix.h"

/* ---- Errors, handle types and request types ---- */

/* XX(name, message) for every error; its code is UV_name. */
@errno_map@

/* XX(UPPER, lower) for every handle type: UV_UPPER is its constant, uv_lower_t its struct. */
@handle_type_map@

/* XX(UPPER, lower) for every request type. */
@request_type_map@

/** Error codes: negated errno values, and numbers below them for errors that errno lacks. */
typedef enum {
@errno_enum@
  UV_ERRNO_MAX = UV__EOF - 1
} uv_errno_t;

/** What `type` of a handle can be. */
typedef enum {
  UV_UNKNOWN_HANDLE = 0,
@handle_type_enum@
  UV_FILE,
  UV_HANDLE_TYPE_MAX
} uv_handle_type;

/** What `type` of a request can be. */
typedef enum {
  UV_UNKNOWN_REQ = 0,
@request_type_enum@
  UV_REQ_TYPE_MAX
} uv_req_type;

/* ---- Types ---- */

@forward@

@enums@

/* Some programs ask with #ifdef whether it is there. */
#define UV_LOOP_USE_IO_URING_SQPOLL UV_LOOP_USE_IO_URING_SQPOLL

@flags@

/* ---- Constants ---- */

@constants@

/** A time for `uv_fs_utime()` and its kin: the present. */
#define UV_FS_UTIME_NOW INFINITY
/** A time for `uv_fs_utime()` and its kin: leave it as it is. */
#define UV_FS_UTIME_OMIT NAN

/** A buffer of this size holds any host name; see `uv_os_gethostname()`. */
#ifdef MAXHOSTNAMELEN
# define UV_MAXHOSTNAMESIZE (MAXHOSTNAMELEN + 1)
#else
# define UV_MAXHOSTNAMESIZE 256
#endif

/** A buffer of this size holds any interface name; see `uv_if_indextoname()`. */
#if defined(IF_NAMESIZE)
# define UV_IF_NAMESIZE (IF_NAMESIZE + 1)
#elif defined(IFNAMSIZ)
# define UV_IF_NAMESIZE (IFNAMSIZ + 1)
#else
# define UV_IF_NAMESIZE (16 + 1)
#endif

/* ---- Callbacks ---- */

@callbacks@

/* ---- Structs that carry data ---- */

@plain@

/* ---- Handles ---- */

/* The fields that all handles begin with. */
#define UV_HANDLE_FIELDS @handle_fields@

/* The fields that streams have after those. */
#define UV_STREAM_FIELDS @stream_fields@

@handles@

/* ---- Requests ---- */

/* The fields that all requests begin with. */
#define UV_REQ_FIELDS @request_fields@

@requests@

/* ---- The loop ---- */

@event_loop@

/* ---- Functions ---- */

@functions@

#ifdef __cplusplus
}
@overloads@
#endif

#endif /* UV_H */
