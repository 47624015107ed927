// The same in C++: the header must serve both languages.
#include <cstdio>
#include <uv.h>

struct Named {
  int number;
  const char* name;
};

static const Named errors[] = {
#define V(name, message) {UV_##name, #name},
    UV_ERRNO_MAP(V)
#undef V
};

int main() {
  for (const Named& error : errors)
    if (error.number >= 0)
      return 1;

  uv_loop_t loop;
  uv_timer_t timer;
  bool fired = false;
  if (uv_loop_init(&loop) != 0 || uv_timer_init(&loop, &timer) != 0)
    return 1;
  timer.data = &fired;
  uv_timer_start(&timer, [](uv_timer_t* handle) {
    *static_cast<bool*>(handle->data) = true;
    uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
    throw 1;
  }, 1, 0);
  int thrown = 0;
  try {
    uv_run(&loop, UV_RUN_DEFAULT);
  } catch (int number) {
    thrown = number;
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&loop) != 0 || !fired || thrown != 1)
    return 1;
  std::printf("%s\n", uv_version_string());
}
