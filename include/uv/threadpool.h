/* Made by build.rs from src/abi/threadpool.rs. Don't edit it; see src/abi/header/generate.rs. */

#ifndef UV_THREADPOOL_H_
#define UV_THREADPOOL_H_

/** Private: a piece of work for the thread pool. */
struct uv__work {
  void (*work)(struct uv__work *w);
  void (*done)(struct uv__work *w, int status);
  struct uv_loop_s *loop;
  struct uv__queue wq;
};

#endif /* UV_THREADPOOL_H_ */
