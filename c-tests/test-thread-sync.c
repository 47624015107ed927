/* Locks, semaphores, conditions, barriers, once, thread-local keys. */

#include "test-os.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/time.h>

static uv_mutex_t mutex;
static uv_rwlock_t rwlock;
static uv_sem_t sem;
static uv_sem_t answer;
static uv_cond_t cond;
static uv_barrier_t barrier;
static volatile int shared;

static int aborts(void (*run)(void)) {
  /* No core file, as this is expected to abort. */
  struct rlimit none = {0, 0};
  int status;

  ASSERT_EQ(setrlimit(RLIMIT_CORE, &none), 0);
  status = child_status(run);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* Calls the function on another thread and returns its result. */
struct call {
  int (*run)(void);
  int result;
};

static void run_call(void* arg) {
  struct call* call = arg;
  call->result = call->run();
}

static int elsewhere(int (*run)(void)) {
  struct call call = {run, -1};
  uv_thread_t thread;

  ASSERT_OK(uv_thread_create(&thread, run_call, &call));
  ASSERT_OK(uv_thread_join(&thread));
  return call.result;
}

static int try_mutex(void) { return uv_mutex_trylock(&mutex); }
static int try_read(void) { return uv_rwlock_tryrdlock(&rwlock); }
static int try_write(void) { return uv_rwlock_trywrlock(&rwlock); }

enum { THREADS = 4, ROUNDS = 10000 };

static void count_under_lock(void* arg) {
  int i;
  (void) arg;
  for (i = 0; i < ROUNDS; i++) {
    uv_mutex_lock(&mutex);
    shared++;
    uv_mutex_unlock(&mutex);
  }
}

TEST(thread_mutex_excludes) {
  uv_thread_t threads[THREADS];
  int i;

  ASSERT_OK(uv_mutex_init(&mutex));
  for (i = 0; i < THREADS; i++)
    ASSERT_OK(uv_thread_create(&threads[i], count_under_lock, NULL));
  for (i = 0; i < THREADS; i++) ASSERT_OK(uv_thread_join(&threads[i]));
  ASSERT_EQ(shared, THREADS * ROUNDS);
  uv_mutex_destroy(&mutex);
}

TEST(thread_mutex_trylock) {
  ASSERT_OK(uv_mutex_init(&mutex));
  ASSERT_OK(uv_mutex_trylock(&mutex));
  ASSERT_EQ(uv_mutex_trylock(&mutex), UV_EBUSY);
  ASSERT_EQ(elsewhere(try_mutex), UV_EBUSY);
  uv_mutex_unlock(&mutex);
  ASSERT_OK(uv_mutex_trylock(&mutex));
  uv_mutex_unlock(&mutex);
  uv_mutex_destroy(&mutex);
}

TEST(thread_mutex_recursive) {
  ASSERT_OK(uv_mutex_init_recursive(&mutex));
  uv_mutex_lock(&mutex);
  uv_mutex_lock(&mutex);
  ASSERT_OK(uv_mutex_trylock(&mutex));
  uv_mutex_unlock(&mutex);
  uv_mutex_unlock(&mutex);
  /* Locked three times, unlocked twice. */
  ASSERT_EQ(elsewhere(try_mutex), UV_EBUSY);
  uv_mutex_unlock(&mutex);
  ASSERT_OK(uv_mutex_trylock(&mutex));
  uv_mutex_unlock(&mutex);
  uv_mutex_destroy(&mutex);
}

static void destroy_locked(void) {
  ASSERT_OK(uv_mutex_init(&mutex));
  uv_mutex_lock(&mutex);
  uv_mutex_destroy(&mutex);
}

static void unlock_recursive_that_is_free(void) {
  ASSERT_OK(uv_mutex_init_recursive(&mutex));
  uv_mutex_unlock(&mutex);
}

static void write_lock_twice(void) {
  ASSERT_OK(uv_rwlock_init(&rwlock));
  uv_rwlock_wrlock(&rwlock);
  uv_rwlock_wrlock(&rwlock);
}

static void post_too_often(void) {
  ASSERT_OK(uv_sem_init(&sem, INT_MAX));
  uv_sem_post(&sem);
}

static void delete_no_key(void) {
  uv_key_t key = 5000;
  uv_key_delete(&key);
}

static void set_no_key(void) {
  uv_key_t key = 5000;
  uv_key_set(&key, &key);
}

TEST(thread_misuse_aborts) {
  ASSERT(aborts(destroy_locked));
  ASSERT(aborts(unlock_recursive_that_is_free));
  ASSERT(aborts(write_lock_twice));
  ASSERT(aborts(post_too_often));
  ASSERT(aborts(delete_no_key));
  ASSERT(aborts(set_no_key));
}

TEST(thread_rwlock_readers_and_a_writer) {
  ASSERT_OK(uv_rwlock_init(&rwlock));

  uv_rwlock_rdlock(&rwlock);
  ASSERT_OK(uv_rwlock_tryrdlock(&rwlock));
  uv_rwlock_rdunlock(&rwlock);
  ASSERT_EQ(elsewhere(try_write), UV_EBUSY);
  uv_rwlock_rdunlock(&rwlock);

  uv_rwlock_wrlock(&rwlock);
  ASSERT_EQ(elsewhere(try_read), UV_EBUSY);
  ASSERT_EQ(elsewhere(try_write), UV_EBUSY);
  uv_rwlock_wrunlock(&rwlock);

  ASSERT_OK(uv_rwlock_trywrlock(&rwlock));
  ASSERT_EQ(uv_rwlock_tryrdlock(&rwlock), UV_EBUSY);
  uv_rwlock_wrunlock(&rwlock);
  uv_rwlock_destroy(&rwlock);
}

TEST(thread_sem_counts) {
  ASSERT_OK(uv_sem_init(&sem, 2));
  uv_sem_wait(&sem);
  ASSERT_OK(uv_sem_trywait(&sem));
  ASSERT_EQ(uv_sem_trywait(&sem), UV_EAGAIN);
  uv_sem_post(&sem);
  ASSERT_OK(uv_sem_trywait(&sem));
  uv_sem_destroy(&sem);

  ASSERT_EQ(uv_sem_init(&sem, (unsigned) INT_MAX + 1), UV_EINVAL);
}

static void answer_requests(void* arg) {
  (void) arg;
  uv_sem_wait(&sem);
  shared = 1;
  uv_sem_post(&answer);
  uv_sem_wait(&sem);
  shared = 2;
  uv_sem_post(&answer);
}

TEST(thread_sem_orders_threads) {
  uv_thread_t thread;

  ASSERT_OK(uv_sem_init(&sem, 0));
  ASSERT_OK(uv_sem_init(&answer, 0));
  ASSERT_OK(uv_thread_create(&thread, answer_requests, NULL));
  ASSERT_EQ(shared, 0);
  uv_sem_post(&sem);
  uv_sem_wait(&answer);
  ASSERT_EQ(shared, 1);
  uv_sem_post(&sem);
  uv_sem_wait(&answer);
  ASSERT_EQ(shared, 2);
  ASSERT_OK(uv_thread_join(&thread));
  uv_sem_destroy(&sem);
  uv_sem_destroy(&answer);
}

static void post_from_handler(int signum) {
  (void) signum;
  shared++;
  uv_sem_post(&sem);
}

TEST(thread_sem_wait_outlasts_signals) {
  struct sigaction action = {.sa_handler = post_from_handler};
  struct itimerval every = {{0, 1000}, {0, 1000}};
  struct itimerval never = {{0, 0}, {0, 0}};
  int taken;

  /* Without SA_RESTART each alarm interrupts the wait, and posts. */
  ASSERT_OK(uv_sem_init(&sem, 0));
  ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  ASSERT_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
  for (taken = 1; taken <= 20; taken++) {
    uv_sem_wait(&sem);
    ASSERT_GE(shared, taken);
  }
  ASSERT_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
  while (uv_sem_trywait(&sem) == 0) taken++;
  ASSERT_EQ(taken - 1, shared);
  uv_sem_destroy(&sem);
}

static void wait_for_flag(void* arg) {
  (void) arg;
  uv_mutex_lock(&mutex);
  shared++;
  /* Not a signal: it might wake one of the others instead of the test. */
  uv_cond_broadcast(&cond);
  while (shared < 100) uv_cond_wait(&cond, &mutex);
  uv_mutex_unlock(&mutex);
}

TEST(thread_cond_broadcast_wakes_all) {
  uv_thread_t threads[THREADS];
  int i;

  ASSERT_OK(uv_mutex_init(&mutex));
  ASSERT_OK(uv_cond_init(&cond));
  uv_mutex_lock(&mutex);
  for (i = 0; i < THREADS; i++)
    ASSERT_OK(uv_thread_create(&threads[i], wait_for_flag, NULL));
  while (shared < THREADS) uv_cond_wait(&cond, &mutex);
  shared = 100;
  uv_cond_broadcast(&cond);
  uv_mutex_unlock(&mutex);
  for (i = 0; i < THREADS; i++) ASSERT_OK(uv_thread_join(&threads[i]));
  uv_cond_destroy(&cond);
  uv_mutex_destroy(&mutex);
}

TEST(thread_cond_timedwait_times_out) {
  uint64_t before;

  ASSERT_OK(uv_mutex_init(&mutex));
  ASSERT_OK(uv_cond_init(&cond));
  uv_mutex_lock(&mutex);
  ASSERT_EQ(uv_cond_timedwait(&cond, &mutex, 0), UV_ETIMEDOUT);
  /* Without a reason to wake up, a wait lasts at least as long as it is to. */
  before = uv_hrtime();
  while (uv_cond_timedwait(&cond, &mutex, 5 * 1000 * 1000) == 0);
  ASSERT_GE(uv_hrtime() - before, 5 * 1000 * 1000);
  /* The end of the wait wraps around to the past. */
  ASSERT_EQ(uv_cond_timedwait(&cond, &mutex, UINT64_MAX), UV_ETIMEDOUT);
  /* The mutex is held again. */
  ASSERT_EQ(elsewhere(try_mutex), UV_EBUSY);
  uv_mutex_unlock(&mutex);
  uv_cond_destroy(&cond);
  uv_mutex_destroy(&mutex);
}

static void signal_cond(void* arg) {
  (void) arg;
  uv_mutex_lock(&mutex);
  shared = 1;
  uv_cond_signal(&cond);
  uv_mutex_unlock(&mutex);
}

TEST(thread_cond_timedwait_is_woken) {
  uv_thread_t thread;

  ASSERT_OK(uv_mutex_init(&mutex));
  ASSERT_OK(uv_cond_init(&cond));
  uv_mutex_lock(&mutex);
  ASSERT_OK(uv_thread_create(&thread, signal_cond, NULL));
  /* An hour is more than the runner allows the test. */
  while (shared == 0)
    ASSERT_OK(uv_cond_timedwait(&cond, &mutex, 3600 * (uint64_t) 1e9));
  uv_mutex_unlock(&mutex);
  ASSERT_OK(uv_thread_join(&thread));
  uv_cond_destroy(&cond);
  uv_mutex_destroy(&mutex);
}

static atomic_int arrived;
static atomic_int serial;

static void meet(void* arg) {
  int round;
  (void) arg;
  for (round = 1; round <= 100; round++) {
    int result;
    atomic_fetch_add(&arrived, 1);
    result = uv_barrier_wait(&barrier);
    ASSERT_GE(result, 0);
    if (result > 0) atomic_fetch_add(&serial, 1);
    /* All are there, and those that are ahead are at most in the next round. */
    ASSERT_GE(atomic_load(&arrived), round * THREADS);
    ASSERT_LT(atomic_load(&arrived), (round + 1) * THREADS);
  }
}

TEST(thread_barrier_meets_in_rounds) {
  uv_thread_t threads[THREADS];
  int i;

  ASSERT_OK(uv_barrier_init(&barrier, THREADS));
  for (i = 0; i < THREADS; i++)
    ASSERT_OK(uv_thread_create(&threads[i], meet, NULL));
  for (i = 0; i < THREADS; i++) ASSERT_OK(uv_thread_join(&threads[i]));
  ASSERT_EQ(atomic_load(&serial), 100);
  uv_barrier_destroy(&barrier);
}

TEST(thread_barrier_sizes) {
  ASSERT_EQ(uv_barrier_init(&barrier, 0), UV_EINVAL);
  ASSERT_EQ(uv_barrier_init(&barrier, UINT_MAX), UV_EINVAL);
  ASSERT_OK(uv_barrier_init(&barrier, 1));
  ASSERT_EQ(uv_barrier_wait(&barrier), 1);
  ASSERT_EQ(uv_barrier_wait(&barrier), 1);
  uv_barrier_destroy(&barrier);
}

static uv_once_t once = UV_ONCE_INIT;

static void count_once(void) { shared++; }

static void call_once(void* arg) {
  (void) arg;
  uv_barrier_wait(&barrier);
  uv_once(&once, count_once);
  /* Later callers wait until it is done. */
  ASSERT_EQ(shared, 1);
}

TEST(thread_once_is_once) {
  uv_thread_t threads[THREADS];
  int i;

  ASSERT_OK(uv_barrier_init(&barrier, THREADS));
  for (i = 0; i < THREADS; i++)
    ASSERT_OK(uv_thread_create(&threads[i], call_once, NULL));
  for (i = 0; i < THREADS; i++) ASSERT_OK(uv_thread_join(&threads[i]));
  ASSERT_EQ(shared, 1);
  uv_barrier_destroy(&barrier);
}

static uv_key_t key;

static int key_elsewhere(void) {
  int local = 0;
  if (uv_key_get(&key) != NULL) return 1;
  uv_key_set(&key, &local);
  return uv_key_get(&key) != &local;
}

TEST(thread_key_is_per_thread) {
  ASSERT_OK(uv_key_create(&key));
  ASSERT_NULL(uv_key_get(&key));
  uv_key_set(&key, &mutex);
  ASSERT_EQ(elsewhere(key_elsewhere), 0);
  ASSERT_PTR_EQ(uv_key_get(&key), &mutex);
  uv_key_set(&key, NULL);
  ASSERT_NULL(uv_key_get(&key));
  uv_key_delete(&key);
}

TEST(thread_key_runs_out) {
  uv_key_t keys[PTHREAD_KEYS_MAX + 1];
  int count = 0;
  int err;

  while ((err = uv_key_create(&keys[count])) == 0)
    ASSERT_LE(++count, PTHREAD_KEYS_MAX);
  ASSERT_EQ(err, UV_EAGAIN);
  uv_key_delete(&keys[--count]);
  ASSERT_OK(uv_key_create(&keys[count]));
}
