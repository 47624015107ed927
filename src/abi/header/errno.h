/* Made by build.rs from src/abi/errno_table.rs. Don't edit it; see src/abi/header/generate.rs. */

#ifndef UV_ERRNO_H_
#define UV_ERRNO_H_

#include <errno.h>

/* The code of every error. */
@errno_codes@

#endif /* UV_ERRNO_H_ */
