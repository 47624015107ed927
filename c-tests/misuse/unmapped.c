/* expect: handle-overwritten uv_run
 * The memory of a handle is unmapped. */
#include <sys/mman.h>
#include <uv.h>

int main(void) {
  uv_async_t* async = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  uv_async_init(uv_default_loop(), async, NULL);
  munmap(async, 4096);
  return uv_run(uv_default_loop(), UV_RUN_NOWAIT);
}
