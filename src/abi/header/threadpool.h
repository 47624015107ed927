/* Made by build.rs from src/abi/threadpool.rs. Don't edit it; see src/abi/header/generate.rs. */

#ifndef UV_THREADPOOL_H_
#define UV_THREADPOOL_H_

@threadpool@

#endif /* UV_THREADPOOL_H_ */
