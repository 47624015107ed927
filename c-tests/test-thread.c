/* Threads: options, identity, names, affinity, priorities. */

#include "test-os.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

static uv_sem_t started;
static uv_sem_t finish;

static size_t stack_size;

static void measure_stack(void* arg) {
  pthread_attr_t attributes;
  (void) arg;
  ASSERT_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
  ASSERT_EQ(pthread_attr_getstacksize(&attributes, &stack_size), 0);
  ASSERT_EQ(pthread_attr_destroy(&attributes), 0);
}

static size_t stack_of(const uv_thread_options_t* options) {
  uv_thread_t thread;
  stack_size = 0;
  if (options == NULL)
    ASSERT_OK(uv_thread_create(&thread, measure_stack, NULL));
  else
    ASSERT_OK(uv_thread_create_ex(&thread, options, measure_stack, NULL));
  ASSERT_OK(uv_thread_join(&thread));
  return stack_size;
}

static size_t stack_for(size_t wanted) {
  uv_thread_options_t options = {UV_THREAD_HAS_STACK_SIZE, wanted};
  return stack_of(&options);
}

static void limit_stack(rlim_t size) {
  struct rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
  limit.rlim_cur = size;
  if (setrlimit(RLIMIT_STACK, &limit) != 0) SKIP("the stack limit is fixed");
}

TEST(thread_stack_follows_the_limit) {
  uv_thread_options_t options = {UV_THREAD_NO_FLAGS, 12345};
  size_t page = (size_t) sysconf(_SC_PAGESIZE);

  /* From small to large, because the C library gives the stack of a thread that
   * ended to one that wants less. A page is too small to be a stack. */
  limit_stack(page);
  ASSERT_EQ(stack_of(NULL), 2 << 20);
  limit_stack(3 << 20);
  ASSERT_EQ(stack_of(NULL), 3 << 20);
  ASSERT_EQ(stack_of(&options), 3 << 20);
  ASSERT_EQ(stack_for(0), 3 << 20);
  limit_stack((3 << 20) + 1);
  ASSERT_EQ(stack_of(NULL), 3 << 20);
}

TEST(thread_stack_is_rounded_up) {
  size_t page = (size_t) sysconf(_SC_PAGESIZE);
  size_t least = stack_for(1);

  ASSERT_GE(least, PTHREAD_STACK_MIN);
  ASSERT_EQ(least % page, 0);
  ASSERT_EQ(stack_for(least - 1), least);
  ASSERT_EQ(stack_for(least + 1), least + page);
  ASSERT_EQ(stack_for(1 << 20), 1 << 20);
}

TEST(thread_stack_of_impossible_size) {
  uv_thread_options_t options = {UV_THREAD_HAS_STACK_SIZE, 0};
  uv_thread_t thread;

  options.stack_size = (size_t) -1 & ~(size_t) 4095;
  ASSERT_EQ(uv_thread_create_ex(&thread, &options, measure_stack, NULL),
            UV_EINVAL);
  if (test_under_valgrind())
    return; /* Its address space is smaller, which is another error. */
  options.stack_size = (size_t) 1 << 46;
  ASSERT_EQ(uv_thread_create_ex(&thread, &options, measure_stack, NULL),
            UV_EAGAIN);
}

static void store_self(void* arg) { *(uv_thread_t*) arg = uv_thread_self(); }

TEST(thread_identity) {
  uv_thread_t self = uv_thread_self();
  uv_thread_t thread, seen;

  ASSERT(uv_thread_equal(&self, &self));
  ASSERT_OK(uv_thread_create(&thread, store_self, &seen));
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT(uv_thread_equal(&thread, &seen));
  ASSERT(!uv_thread_equal(&thread, &self));
  ASSERT_EQ(uv_thread_join(&self), -EDEADLK);
}

static void signal_started(void* arg) {
  (void) arg;
  uv_sem_post(&started);
}

TEST(thread_detached_runs) {
  uv_thread_t thread;

  ASSERT_OK(uv_sem_init(&started, 0));
  ASSERT_OK(uv_thread_create(&thread, signal_started, NULL));
  ASSERT_OK(uv_thread_detach(&thread));
  uv_sem_wait(&started);
}

static void leave_early(void* arg) {
  *(int*) arg = 1;
  pthread_exit(NULL);
}

TEST(thread_may_call_pthread_exit) {
  uv_thread_t thread;
  int reached = 0;

  ASSERT_OK(uv_thread_create(&thread, leave_early, &reached));
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(reached, 1);
}

static void set_flag(void* flag) { *(int*) flag = 1; }

static int unwound;

static void run_to_the_end_of_the_thread(void* loop) {
  pthread_cleanup_push(set_flag, &unwound);
  uv_run(loop, UV_RUN_DEFAULT);
  pthread_cleanup_pop(0);
}

static void exit_thread(uv_timer_t* timer) {
  (void) timer;
  pthread_exit(NULL);
}

/* The thread's stack is unwound through the library. */
TEST(thread_may_call_pthread_exit_in_a_callback) {
  uv_thread_t thread;
  uv_timer_t timer;
  uv_loop_t loop;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, exit_thread, 0, 0));
  ASSERT_OK(uv_thread_create(&thread, run_to_the_end_of_the_thread, &loop));
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(unwound, 1);
  CLOSE_LOOP(&loop);
}

TEST(thread_may_be_cancelled_while_its_loop_waits) {
  uv_thread_t thread;
  uv_async_t async;
  uv_loop_t loop;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, NULL));
  ASSERT_OK(uv_thread_create(&thread, run_to_the_end_of_the_thread, &loop));
  ASSERT_EQ(pthread_cancel(thread), 0);
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(unwound, 1);
  CLOSE_LOOP(&loop);
}

TEST(thread_name_is_cut) {
  uv_thread_t self = uv_thread_self();
  char name[32];

  ASSERT_OK(uv_thread_setname("fifteen letters"));
  ASSERT_OK(uv_thread_getname(&self, name, sizeof(name)));
  ASSERT_STR_EQ(name, "fifteen letters");
  ASSERT_OK(uv_thread_setname("sixteen letters!"));
  ASSERT_OK(uv_thread_getname(&self, name, sizeof(name)));
  ASSERT_STR_EQ(name, "sixteen letters");
  ASSERT_OK(uv_thread_getname(&self, name, 5));
  ASSERT_STR_EQ(name, "sixt");
  ASSERT_OK(uv_thread_getname(&self, name, 1));
  ASSERT_STR_EQ(name, "");
  ASSERT_OK(uv_thread_setname(""));
  ASSERT_OK(uv_thread_getname(&self, name, sizeof(name)));
  ASSERT_STR_EQ(name, "");
}

TEST(thread_name_bad_arguments) {
  uv_thread_t self = uv_thread_self();
  char name[4] = "abc";

  ASSERT_EQ(uv_thread_setname(NULL), UV_EINVAL);
  ASSERT_EQ(uv_thread_getname(&self, NULL, 16), UV_EINVAL);
  ASSERT_EQ(uv_thread_getname(&self, name, 0), UV_EINVAL);
  ASSERT_STR_EQ(name, "abc");
}

static void run_named(void* arg) {
  ASSERT_OK(uv_thread_setname(arg));
  uv_sem_post(&started);
  uv_sem_wait(&finish);
}

TEST(thread_name_of_another) {
  uv_thread_t thread, self = uv_thread_self();
  char before[16], after[16], name[16];

  ASSERT_OK(uv_thread_getname(&self, before, sizeof(before)));
  ASSERT_OK(uv_sem_init(&started, 0));
  ASSERT_OK(uv_sem_init(&finish, 0));
  ASSERT_OK(uv_thread_create(&thread, run_named, "worker"));
  uv_sem_wait(&started);
  ASSERT_OK(uv_thread_getname(&thread, name, sizeof(name)));
  ASSERT_STR_EQ(name, "worker");
  ASSERT_OK(uv_thread_getname(&self, after, sizeof(after)));
  ASSERT_STR_EQ(after, before);
  uv_sem_post(&finish);
  ASSERT_OK(uv_thread_join(&thread));
  uv_sem_destroy(&started);
  uv_sem_destroy(&finish);
}

TEST(thread_affinity_to_one_cpu) {
  uv_thread_t self = uv_thread_self();
  char all[CPU_SETSIZE + 1], one[CPU_SETSIZE + 1], got[CPU_SETSIZE + 1];
  int cpu;

  ASSERT_EQ(uv_cpumask_size(), CPU_SETSIZE);
  memset(all, '#', sizeof(all));
  ASSERT_OK(uv_thread_getaffinity(&self, all, sizeof(all)));
  ASSERT_EQ(all[CPU_SETSIZE], '#');

  cpu = uv_thread_getcpu();
  ASSERT_GE(cpu, 0);
  ASSERT_LT(cpu, CPU_SETSIZE);
  memset(one, 0, sizeof(one));
  one[cpu] = 1;
  ASSERT_OK(uv_thread_setaffinity(&self, one, got, CPU_SETSIZE));
  ASSERT_MEM_EQ(got, all, CPU_SETSIZE);
  ASSERT_OK(uv_thread_getaffinity(&self, got, CPU_SETSIZE));
  ASSERT_MEM_EQ(got, one, CPU_SETSIZE);
  ASSERT_EQ(uv_thread_getcpu(), cpu);
  ASSERT_EQ(uv_available_parallelism(), 1);

  /* Any value that is not 0 counts; the old mask may be left out. */
  one[cpu] = 'x';
  ASSERT_OK(uv_thread_setaffinity(&self, one, NULL, CPU_SETSIZE));
  ASSERT_OK(uv_thread_setaffinity(&self, all, got, CPU_SETSIZE));
  ASSERT_EQ(got[cpu], 1);
}

TEST(thread_affinity_bad_masks) {
  uv_thread_t self = uv_thread_self();
  char mask[CPU_SETSIZE] = {0};

  ASSERT_EQ(uv_thread_getaffinity(&self, mask, CPU_SETSIZE - 1), UV_EINVAL);
  ASSERT_EQ(uv_thread_setaffinity(&self, mask, NULL, CPU_SETSIZE - 1),
            UV_EINVAL);
  ASSERT_EQ(uv_thread_setaffinity(&self, mask, NULL, CPU_SETSIZE), UV_EINVAL);
}

/* To be lowered it needs no privilege. */
static void lower_own_priority(void* arg) {
  int priority;
  (void) arg;
  ASSERT_OK(
      uv_thread_setpriority(uv_thread_self(), UV_THREAD_PRIORITY_BELOW_NORMAL));
  ASSERT_OK(uv_thread_getpriority(uv_thread_self(), &priority));
  ASSERT_EQ(priority, 2);
  ASSERT_OK(uv_thread_setpriority(uv_thread_self(), UV_THREAD_PRIORITY_LOWEST));
  ASSERT_OK(uv_thread_getpriority(uv_thread_self(), &priority));
  ASSERT_EQ(priority, 4);
  uv_sem_post(&started);
  uv_sem_wait(&finish);
}

TEST(thread_priority_is_the_nice_value) {
  uv_thread_t thread;
  int before, after, priority;

  ASSERT_OK(uv_sem_init(&started, 0));
  ASSERT_OK(uv_sem_init(&finish, 0));
  ASSERT_OK(uv_thread_getpriority(uv_thread_self(), &before));
  if (before > 2) SKIP("this process is nice already");
  ASSERT_OK(uv_thread_create(&thread, lower_own_priority, NULL));
  uv_sem_wait(&started);
  /* That of another thread is not known, and this one's did not change. */
  ASSERT_OK(uv_thread_getpriority(thread, &priority));
  ASSERT_EQ(priority, 0);
  ASSERT_OK(uv_thread_setpriority(thread, UV_THREAD_PRIORITY_HIGHEST));
  ASSERT_OK(uv_thread_getpriority(uv_thread_self(), &after));
  ASSERT_EQ(after, before);
  uv_sem_post(&finish);
  ASSERT_OK(uv_thread_join(&thread));
  uv_sem_destroy(&started);
  uv_sem_destroy(&finish);
}

TEST(thread_priority_bad_arguments) {
  uv_thread_t self = uv_thread_self();

  ASSERT_EQ(uv_thread_getpriority(self, NULL), UV_EINVAL);
  ASSERT_EQ(uv_thread_setpriority(self, UV_THREAD_PRIORITY_LOWEST - 1),
            UV_EINVAL);
  ASSERT_EQ(uv_thread_setpriority(self, UV_THREAD_PRIORITY_HIGHEST + 1),
            UV_EINVAL);
}

TEST(thread_priority_of_real_time_policies) {
  struct sched_param param = {.sched_priority = 10};
  int expected[] = {1, 25, 50, 74, 99};
  int i, priority;

  if (pthread_setschedparam(pthread_self(), SCHED_RR, &param) != 0)
    SKIP("needs the privilege to schedule in real time");
  for (i = -2; i <= 2; i++) {
    ASSERT_OK(uv_thread_setpriority(uv_thread_self(), i));
    ASSERT_OK(uv_thread_getpriority(uv_thread_self(), &priority));
    ASSERT_EQ(priority, expected[i + 2]);
  }
}
