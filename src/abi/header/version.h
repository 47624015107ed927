/* Made by build.rs from src/abi/constants.rs. Don't edit it; see src/abi/header/generate.rs. */

#ifndef UV_VERSION_H
#define UV_VERSION_H

/* The version of libuv that this library is a drop-in for. */
@version@

/** What follows the number in a version that is not a release. */
#define UV_VERSION_SUFFIX ""

/** The version as one number, for comparing: 0x013500 for 1.53.0. */
#define UV_VERSION_HEX \
  ((UV_VERSION_MAJOR << 16) | (UV_VERSION_MINOR << 8) | UV_VERSION_PATCH)

#endif /* UV_VERSION_H */
