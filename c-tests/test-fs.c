/* uv_fs_t as a request: its fields and getters, cleanup, cancellation, and how
 * it relates to loops and the thread pool. The calls themselves are tested in
 * the other test-fs-*.c files. */
#include <pthread.h>
#include <semaphore.h>

#include "test-fs.h"
#include "test-memory.h"

TEST(fs_type_values) {
  static const struct {
    int have;
    int want;
  } types[] = {
      {UV_FS_UNKNOWN, -1}, {UV_FS_CUSTOM, 0},     {UV_FS_OPEN, 1},
      {UV_FS_CLOSE, 2},    {UV_FS_READ, 3},       {UV_FS_WRITE, 4},
      {UV_FS_SENDFILE, 5}, {UV_FS_STAT, 6},       {UV_FS_LSTAT, 7},
      {UV_FS_FSTAT, 8},    {UV_FS_FTRUNCATE, 9},  {UV_FS_UTIME, 10},
      {UV_FS_FUTIME, 11},  {UV_FS_ACCESS, 12},    {UV_FS_CHMOD, 13},
      {UV_FS_FCHMOD, 14},  {UV_FS_FSYNC, 15},     {UV_FS_FDATASYNC, 16},
      {UV_FS_UNLINK, 17},  {UV_FS_RMDIR, 18},     {UV_FS_MKDIR, 19},
      {UV_FS_MKDTEMP, 20}, {UV_FS_RENAME, 21},    {UV_FS_SCANDIR, 22},
      {UV_FS_LINK, 23},    {UV_FS_SYMLINK, 24},   {UV_FS_READLINK, 25},
      {UV_FS_CHOWN, 26},   {UV_FS_FCHOWN, 27},    {UV_FS_REALPATH, 28},
      {UV_FS_COPYFILE, 29}, {UV_FS_LCHOWN, 30},   {UV_FS_OPENDIR, 31},
      {UV_FS_READDIR, 32}, {UV_FS_CLOSEDIR, 33},  {UV_FS_STATFS, 34},
      {UV_FS_MKSTEMP, 35}, {UV_FS_LUTIME, 36},
  };
  size_t i;
  for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
    ASSERT_EQ(types[i].have, types[i].want);
}

TEST(fs_open_flag_values) {
  static const struct {
    int have;
    int want;
  } flags[] = {
      {UV_FS_O_APPEND, O_APPEND},     {UV_FS_O_CREAT, O_CREAT},
      {UV_FS_O_DIRECTORY, O_DIRECTORY}, {UV_FS_O_DSYNC, O_DSYNC},
      {UV_FS_O_EXCL, O_EXCL},         {UV_FS_O_NOCTTY, O_NOCTTY},
      {UV_FS_O_NOFOLLOW, O_NOFOLLOW}, {UV_FS_O_NONBLOCK, O_NONBLOCK},
      {UV_FS_O_RDONLY, O_RDONLY},     {UV_FS_O_RDWR, O_RDWR},
      {UV_FS_O_SYNC, O_SYNC},         {UV_FS_O_TRUNC, O_TRUNC},
      {UV_FS_O_WRONLY, O_WRONLY},     {UV_FS_O_EXLOCK, 0},
      {UV_FS_O_SYMLINK, 0},           {UV_FS_O_FILEMAP, 0},
      {UV_FS_O_RANDOM, 0},            {UV_FS_O_SHORT_LIVED, 0},
      {UV_FS_O_SEQUENTIAL, 0},        {UV_FS_O_TEMPORARY, 0},
  };
  size_t i;
  for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
    ASSERT_EQ(flags[i].have, flags[i].want);
  ASSERT_EQ(UV_FS_COPYFILE_EXCL, 1);
  ASSERT_EQ(UV_FS_COPYFILE_FICLONE, 2);
  ASSERT_EQ(UV_FS_COPYFILE_FICLONE_FORCE, 4);
  ASSERT_EQ(UV_FS_SYMLINK_DIR, 1);
  ASSERT_EQ(UV_FS_SYMLINK_JUNCTION, 2);
}

TEST(fs_null_request_is_refused) {
  uv_buf_t buf = uv_buf_init(NULL, 0);
  int results[] = {
      uv_fs_open(NULL, NULL, "x", 0, 0, NULL),
      uv_fs_close(NULL, NULL, -1, NULL),
      uv_fs_read(NULL, NULL, -1, &buf, 1, 0, NULL),
      uv_fs_write(NULL, NULL, -1, &buf, 1, 0, NULL),
      uv_fs_unlink(NULL, NULL, "x", NULL),
      uv_fs_mkdir(NULL, NULL, "x", 0, NULL),
      uv_fs_mkdtemp(NULL, NULL, "XXXXXX", NULL),
      uv_fs_mkstemp(NULL, NULL, "XXXXXX", NULL),
      uv_fs_rmdir(NULL, NULL, "x", NULL),
      uv_fs_scandir(NULL, NULL, "x", 0, NULL),
      uv_fs_opendir(NULL, NULL, "x", NULL),
      uv_fs_readdir(NULL, NULL, NULL, NULL),
      uv_fs_closedir(NULL, NULL, NULL, NULL),
      uv_fs_stat(NULL, NULL, "x", NULL),
      uv_fs_lstat(NULL, NULL, "x", NULL),
      uv_fs_fstat(NULL, NULL, -1, NULL),
      uv_fs_statfs(NULL, NULL, "x", NULL),
      uv_fs_rename(NULL, NULL, "x", "y", NULL),
      uv_fs_fsync(NULL, NULL, -1, NULL),
      uv_fs_fdatasync(NULL, NULL, -1, NULL),
      uv_fs_ftruncate(NULL, NULL, -1, 0, NULL),
      uv_fs_sendfile(NULL, NULL, -1, -1, 0, 0, NULL),
      uv_fs_access(NULL, NULL, "x", 0, NULL),
      uv_fs_chmod(NULL, NULL, "x", 0, NULL),
      uv_fs_fchmod(NULL, NULL, -1, 0, NULL),
      uv_fs_utime(NULL, NULL, "x", 0, 0, NULL),
      uv_fs_futime(NULL, NULL, -1, 0, 0, NULL),
      uv_fs_lutime(NULL, NULL, "x", 0, 0, NULL),
      uv_fs_link(NULL, NULL, "x", "y", NULL),
      uv_fs_symlink(NULL, NULL, "x", "y", 0, NULL),
      uv_fs_readlink(NULL, NULL, "x", NULL),
      uv_fs_realpath(NULL, NULL, "x", NULL),
      uv_fs_chown(NULL, NULL, "x", 0, 0, NULL),
      uv_fs_fchown(NULL, NULL, -1, 0, 0, NULL),
      uv_fs_lchown(NULL, NULL, "x", 0, 0, NULL),
      uv_fs_copyfile(NULL, NULL, "x", "y", 0, NULL),
  };
  size_t i;
  for (i = 0; i < sizeof(results) / sizeof(results[0]); i++)
    ASSERT_EQ(results[i], UV_EINVAL);
  uv_fs_req_cleanup(NULL);
}

FS_TEST(fs_getters) {
  const char* path = fs_make("file", "12345", 5);
  ASSERT_EQ(FS(stat, path), 0);
  ASSERT_PTR_EQ(uv_fs_get_ptr(&fs_req), &fs_req.statbuf);
  ASSERT_PTR_EQ(uv_fs_get_ptr(&fs_req), fs_req.ptr);
  ASSERT_PTR_EQ(uv_fs_get_statbuf(&fs_req), &fs_req.statbuf);
  ASSERT_PTR_EQ(uv_fs_get_path(&fs_req), fs_req.path);
  ASSERT_STR_EQ(uv_fs_get_path(&fs_req), path);
  ASSERT_EQ(uv_fs_get_result(&fs_req), 0);
  ASSERT_EQ(uv_fs_get_system_error(&fs_req), 0);
  ASSERT_EQ(uv_req_get_type((uv_req_t*) &fs_req), UV_FS);
  ASSERT_STR_EQ(uv_req_type_name(uv_req_get_type((uv_req_t*) &fs_req)), "fs");
  fs_clean();

  ASSERT_EQ(FS(stat, test_path("missing")), UV_ENOENT);
  ASSERT_EQ(uv_fs_get_result(&fs_req), UV_ENOENT);
  ASSERT_EQ(uv_fs_get_system_error(&fs_req), ENOENT);
  ASSERT_NULL(fs_req.ptr);
  fs_clean();
}

/* A synchronous call borrows the path, an asynchronous one copies it. */
TEST(fs_path_is_copied_only_for_async) {
  uv_loop_t loop;
  uv_fs_t req;
  char path[PATH_MAX];
  char* heap;

  strcpy(path, fs_make("file", "x", 1));
  ASSERT_OK(uv_fs_stat(NULL, &req, path, NULL));
  ASSERT_PTR_EQ(req.path, path);
  uv_fs_req_cleanup(&req);

  ASSERT_OK(uv_loop_init(&loop));
  heap = strdup(path);
  ASSERT_OK(uv_fs_rename(&loop, &req, heap, test_path("renamed"), NULL));
  ASSERT_PTR_EQ(req.path, heap);
  uv_fs_req_cleanup(&req);
  free(heap);

  fs_loop = &loop;
  fs_cb = fs_on_done;
  strcpy(path, test_path("renamed"));
  ASSERT_OK(uv_fs_stat(&loop, fs_fresh(), path, fs_cb));
  ASSERT(fs_req.path != path);
  memset(path, 'z', sizeof(path));
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fs_cb_calls, 1);
  ASSERT_OK(fs_req.result);
  ASSERT_STR_EQ(fs_req.path, test_path("renamed"));
  fs_clean();
  ASSERT_OK(uv_loop_close(&loop));
}

/* Both names of a two-path call are copied. */
TEST(fs_two_paths_are_copied_for_async) {
  uv_loop_t loop;
  char from[PATH_MAX];
  char to[PATH_MAX];
  ASSERT_OK(uv_loop_init(&loop));
  strcpy(from, fs_make("from", "x", 1));
  strcpy(to, test_path("to"));
  ASSERT_OK(uv_fs_rename(&loop, fs_fresh(), from, to, fs_on_done));
  memset(from, 'z', sizeof(from));
  memset(to, 'z', sizeof(to));
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fs_cb_calls, 1);
  ASSERT_OK(fs_req.result);
  ASSERT_STR_EQ(fs_req.path, test_path("from"));
  fs_clean();
  fs_assert_file(test_path("to"), "x", 1);
  ASSERT_OK(uv_loop_close(&loop));
}

FS_TEST(fs_cleanup_twice) {
  uv_dirent_t entry;
  const char* path = fs_make("dir-file", "x", 1);
  (void) path;
  ASSERT_EQ(FS(stat, test_path("dir-file")), 0);
  fs_clean();
  fs_clean();
  ASSERT_EQ(FS(realpath, test_path("dir-file")), 0);
  fs_clean();
  fs_clean();
  ASSERT_GE(FS(scandir, test_path("."), 0), 1);
  ASSERT_OK(uv_fs_scandir_next(&fs_req, &entry));
  fs_clean();
  fs_clean();
  ASSERT_EQ(FS(stat, test_path("missing")), UV_ENOENT);
  fs_clean();
  fs_clean();
}

/* A request may be reused once it is cleaned up, also from its own callback. */
static int reuse_left;

static void reuse_cb(uv_fs_t* req) {
  ASSERT_OK(req->result);
  uv_fs_req_cleanup(req);
  if (--reuse_left > 0)
    ASSERT_OK(uv_fs_stat(req->loop, req, test_path("."), reuse_cb));
}

TEST(fs_request_reused_in_callback) {
  uv_loop_t loop;
  uv_fs_t req;
  reuse_left = 1000;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_fs_stat(&loop, &req, test_path("."), reuse_cb));
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(reuse_left, 0);
  ASSERT_OK(uv_loop_close(&loop));
}

static void free_cb(uv_fs_t* req) {
  fs_cb_calls++;
  uv_fs_req_cleanup(req);
  memset(req, 0xdb, sizeof(*req));
  free(req);
}

TEST(fs_request_freed_in_callback) {
  uv_loop_t loop;
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 100; i++) {
    uv_fs_t* req = malloc(sizeof(*req));
    ASSERT_NOT_NULL(req);
    ASSERT_OK(uv_fs_stat(&loop, req, test_path("."), free_cb));
  }
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fs_cb_calls, 100);
  ASSERT_OK(uv_loop_close(&loop));
}

static void count_cb(uv_fs_t* req) {
  ASSERT_OK(req->result);
  uv_fs_req_cleanup(req);
  ++*(int*) req->data;
}

TEST(fs_many_requests_at_once) {
  static uv_fs_t reqs[1000];
  uv_loop_t loop;
  int calls = 0;
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 1000; i++) {
    reqs[i].data = &calls;
    ASSERT_OK(uv_fs_stat(&loop, &reqs[i], test_path("."), count_cb));
  }
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(calls, 1000);
  ASSERT_OK(uv_loop_close(&loop));
}

/* A call without a callback neither needs nor touches the loop. */
TEST(fs_sync_with_loop_leaves_it_alone) {
  uv_loop_t loop;
  uv_fs_t req;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_fs_stat(&loop, &req, test_path("."), NULL));
  ASSERT_PTR_EQ(req.loop, &loop);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  uv_fs_req_cleanup(&req);
  ASSERT_OK(uv_loop_close(&loop));
}

static uv_loop_t several[3];

static void several_cb(uv_fs_t* req) {
  ASSERT_PTR_EQ(req->loop, req->data);
  ASSERT_OK(req->result);
  uv_fs_req_cleanup(req);
  fs_cb_calls++;
}

TEST(fs_completes_on_its_own_loop) {
  uv_fs_t reqs[3];
  int i;
  for (i = 0; i < 3; i++) {
    ASSERT_OK(uv_loop_init(&several[i]));
    reqs[i].data = &several[i];
    ASSERT_OK(uv_fs_stat(&several[i], &reqs[i], test_path("."), several_cb));
  }
  for (i = 2; i >= 0; i--) {
    ASSERT_EQ(uv_run(&several[i], UV_RUN_DEFAULT), 0);
    ASSERT_EQ(fs_cb_calls, 3 - i);
    ASSERT_OK(uv_loop_close(&several[i]));
  }
}

static void* loop_thread(void* arg) {
  uv_loop_t loop;
  uv_fs_t reqs[16];
  int calls = 0;
  int round;
  int i;
  (void) arg;
  ASSERT_OK(uv_loop_init(&loop));
  for (round = 0; round < 50; round++) {
    for (i = 0; i < 16; i++) {
      reqs[i].data = &calls;
      ASSERT_OK(uv_fs_stat(&loop, &reqs[i], "/", count_cb));
    }
    ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  }
  ASSERT_EQ(calls, 16 * 50);
  ASSERT_OK(uv_loop_close(&loop));
  return NULL;
}

TEST(fs_loops_in_several_threads) {
  pthread_t threads[4];
  int i;
  for (i = 0; i < 4; i++)
    ASSERT_OK(pthread_create(&threads[i], NULL, loop_thread, NULL));
  for (i = 0; i < 4; i++) ASSERT_OK(pthread_join(threads[i], NULL));
}

/* While a request runs the loop cannot be closed. */
TEST(fs_pending_request_keeps_loop_busy) {
  uv_loop_t loop;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_fs_stat(&loop, fs_fresh(), "/", fs_on_done));
  ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fs_cb_calls, 1);
  fs_clean();
  ASSERT_OK(uv_loop_close(&loop));
}

/* The callback comes from uv_run(), never from the call itself. */
TEST(fs_callback_order_around_run) {
  uv_loop_t loop;
  uv_fs_t second;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_fs_stat(&loop, fs_fresh(), "/", fs_on_done));
  ASSERT_OK(uv_fs_stat(NULL, &second, "/", NULL));
  uv_fs_req_cleanup(&second);
  ASSERT_EQ(fs_cb_calls, 0);
  RUN_UNTIL(&loop, fs_cb_calls > 0);
  ASSERT_EQ(fs_cb_calls, 1);
  fs_clean();
  ASSERT_OK(uv_loop_close(&loop));
}

/* --- cancellation: a pool of one thread, and something to hold it. --- */

static sem_t hold;
static sem_t held;

static void hold_work(uv_work_t* req) {
  (void) req;
  sem_post(&held);
  sem_wait(&hold);
}

static void hold_start(uv_loop_t* loop, uv_work_t* work) {
  ASSERT_OK(setenv("UV_THREADPOOL_SIZE", "1", 1));
  ASSERT_OK(sem_init(&hold, 0, 0));
  ASSERT_OK(sem_init(&held, 0, 0));
  ASSERT_OK(uv_queue_work(loop, work, hold_work, NULL));
  sem_wait(&held);
}

static void hold_end(void) {
  sem_destroy(&hold);
  sem_destroy(&held);
}

static int canceled;

static void cancel_cb(uv_fs_t* req) {
  ASSERT_EQ(req->result, UV_ECANCELED);
  ASSERT_EQ(uv_fs_get_system_error(req), ECANCELED);
  ASSERT(req->ptr == NULL || req->fs_type == UV_FS_READDIR);
  uv_fs_req_cleanup(req);
  canceled++;
}

TEST(fs_cancel_queued_requests) {
  enum { COUNT = 21 };
  static uv_fs_t reqs[COUNT];
  const char* file = fs_make("file", "abc", 3);
  const char* gone = test_path("gone");
  uv_buf_t bufs[6];
  char bytes[6];
  uv_loop_t loop;
  uv_work_t work;
  uv_fs_t* r = reqs;
  int fd = fs_open_plain(file, O_RDWR);
  int i;

  for (i = 0; i < 6; i++) bufs[i] = uv_buf_init(bytes + i, 1);
  ASSERT_OK(uv_loop_init(&loop));
  hold_start(&loop, &work);
  ASSERT_OK(uv_fs_open(&loop, r++, gone, O_CREAT | O_RDWR, 0600, cancel_cb));
  ASSERT_OK(uv_fs_close(&loop, r++, fd, cancel_cb));
  ASSERT_OK(uv_fs_read(&loop, r++, fd, bufs, 6, 0, cancel_cb));
  ASSERT_OK(uv_fs_write(&loop, r++, fd, bufs, 1, 0, cancel_cb));
  ASSERT_OK(uv_fs_unlink(&loop, r++, file, cancel_cb));
  ASSERT_OK(uv_fs_rename(&loop, r++, file, gone, cancel_cb));
  ASSERT_OK(uv_fs_mkdir(&loop, r++, gone, 0700, cancel_cb));
  ASSERT_OK(uv_fs_mkdtemp(&loop, r++, test_path("XXXXXX"), cancel_cb));
  ASSERT_OK(uv_fs_mkstemp(&loop, r++, test_path("XXXXXX"), cancel_cb));
  ASSERT_OK(uv_fs_scandir(&loop, r++, test_path("."), 0, cancel_cb));
  ASSERT_OK(uv_fs_opendir(&loop, r++, test_path("."), cancel_cb));
  ASSERT_OK(uv_fs_stat(&loop, r++, file, cancel_cb));
  ASSERT_OK(uv_fs_statfs(&loop, r++, file, cancel_cb));
  ASSERT_OK(uv_fs_ftruncate(&loop, r++, fd, 0, cancel_cb));
  ASSERT_OK(uv_fs_chmod(&loop, r++, file, 0, cancel_cb));
  ASSERT_OK(uv_fs_utime(&loop, r++, file, 0, 0, cancel_cb));
  ASSERT_OK(uv_fs_link(&loop, r++, file, gone, cancel_cb));
  ASSERT_OK(uv_fs_symlink(&loop, r++, file, gone, 0, cancel_cb));
  ASSERT_OK(uv_fs_readlink(&loop, r++, file, cancel_cb));
  ASSERT_OK(uv_fs_realpath(&loop, r++, file, cancel_cb));
  ASSERT_OK(uv_fs_copyfile(&loop, r++, file, gone, 0, cancel_cb));
  ASSERT_EQ(r - reqs, COUNT);

  for (i = 0; i < COUNT; i++) ASSERT_OK(uv_cancel((uv_req_t*) &reqs[i]));
  ASSERT_EQ(canceled, 0);
  sem_post(&hold);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(canceled, COUNT);
  hold_end();
  ASSERT_OK(uv_loop_close(&loop));

  ASSERT(!fs_exists(gone));
  fs_assert_file(file, "abc", 3);
  ASSERT_OK(close(fd));
}

/* A canceled request must not delay or disturb its neighbours in the queue. */
TEST(fs_cancel_every_other_request) {
  enum { COUNT = 40 };
  static uv_fs_t reqs[COUNT];
  uv_loop_t loop;
  uv_work_t work;
  int done = 0;
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  hold_start(&loop, &work);
  for (i = 0; i < COUNT; i++) {
    reqs[i].data = &done;
    ASSERT_OK(uv_fs_stat(&loop, &reqs[i], "/", i % 2 ? cancel_cb : count_cb));
  }
  for (i = 1; i < COUNT; i += 2) ASSERT_OK(uv_cancel((uv_req_t*) &reqs[i]));
  sem_post(&hold);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(done, COUNT / 2);
  ASSERT_EQ(canceled, COUNT / 2);
  hold_end();
  ASSERT_OK(uv_loop_close(&loop));
}

/* A request that a worker has taken cannot be canceled any more: a read from
 * an empty pipe occupies the only worker until the test writes. */
static void pipe_read_cb(uv_fs_t* req) {
  ASSERT_EQ(req->result, 1);
  uv_fs_req_cleanup(req);
  fs_cb_calls++;
}

static void queued_first_cb(uv_work_t* req) { (void) req; }

TEST(fs_cancel_running_request_is_refused) {
  uv_loop_t loop;
  uv_fs_t req;
  uv_work_t work;
  uv_work_t behind;
  char byte = 0;
  uv_buf_t buf = uv_buf_init(&byte, 1);
  int fds[2];
  ASSERT_OK(pipe(fds));
  ASSERT_OK(uv_loop_init(&loop));
  hold_start(&loop, &work);
  ASSERT_OK(uv_fs_read(&loop, &req, fds[0], &buf, 1, -1, pipe_read_cb));
  ASSERT_OK(uv_queue_work(&loop, &behind, queued_first_cb, NULL));
  sem_post(&hold);
  /* The holder and the read are the queue in front of `behind`: once the read
   * has the byte it is running or done, and either way it is too late. */
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fs_cb_calls, 1);
  ASSERT_EQ(byte, 'x');
  ASSERT_EQ(uv_cancel((uv_req_t*) &req), UV_EBUSY);
  hold_end();
  ASSERT_OK(uv_loop_close(&loop));
  close(fds[0]);
  close(fds[1]);
}

/* --- memory --- */

#define NO_MEMORY(call)                                                       \
  do {                                                                        \
    int result;                                                               \
    fs_fresh();                                                               \
    refused = 0;                                                              \
    out_of_memory = 1;                                                        \
    result = (call);                                                          \
    out_of_memory = 0;                                                        \
    ASSERT_EQ(result, UV_ENOMEM);                                             \
    ASSERT_GT(refused, 0);                                                    \
    ASSERT_EQ(uv_loop_alive(&loop), 0);                                       \
    fs_clean();                                                               \
  } while (0)

TEST(fs_out_of_memory) {
  uv_loop_t loop;
  const char* link = test_path("link");
  char bytes[8];
  uv_buf_t bufs[8];
  int i;
  for (i = 0; i < 8; i++) bufs[i] = uv_buf_init(bytes + i, 1);
  use_scarce_memory();
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(symlink("target", link));

  NO_MEMORY(uv_fs_stat(&loop, &fs_req, "/", never_fs));
  NO_MEMORY(uv_fs_open(&loop, &fs_req, "/", 0, 0, never_fs));
  NO_MEMORY(uv_fs_rename(&loop, &fs_req, link, link, never_fs));
  NO_MEMORY(uv_fs_copyfile(&loop, &fs_req, link, link, 0, never_fs));
  NO_MEMORY(uv_fs_read(&loop, &fs_req, 0, bufs, 8, 0, never_fs));
  NO_MEMORY(uv_fs_write(&loop, &fs_req, 0, bufs, 8, 0, never_fs));
  NO_MEMORY(uv_fs_mkdtemp(&loop, &fs_req, "XXXXXX", never_fs));
  NO_MEMORY(uv_fs_mkdtemp(NULL, &fs_req, "XXXXXX", NULL));
  NO_MEMORY(uv_fs_mkstemp(NULL, &fs_req, "XXXXXX", NULL));
  NO_MEMORY(uv_fs_readlink(NULL, &fs_req, link, NULL));
  NO_MEMORY(uv_fs_realpath(NULL, &fs_req, "/", NULL));
  NO_MEMORY(uv_fs_statfs(NULL, &fs_req, "/", NULL));
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_OK(uv_loop_close(&loop));
}

/* Refuses one allocation after the other, until a call needs no more: it fails
 * with ENOMEM as often as it has to and leaks nothing on the way, which is for
 * valgrind to say. */
static int allocations_left;

static int may_allocate(void) { return allocations_left-- > 0; }

static void* nth_malloc(size_t size) {
  return may_allocate() ? malloc(size) : NULL;
}

static void* nth_calloc(size_t count, size_t size) {
  return may_allocate() ? calloc(count, size) : NULL;
}

static void* nth_realloc(void* block, size_t size) {
  return may_allocate() ? realloc(block, size) : NULL;
}

#define UNTIL_IT_WORKS(call, want)                                            \
  do {                                                                        \
    int allowed;                                                              \
    int result = UV_ENOMEM;                                                   \
    for (allowed = 0; result == UV_ENOMEM; allowed++) {                       \
      allocations_left = allowed;                                             \
      result = (call);                                                        \
      allocations_left = INT_MAX;                                             \
      if (result == UV_ENOMEM) ASSERT_NULL(fs_req.ptr);                       \
      fs_clean();                                                             \
      ASSERT_LT(allowed, 1000);                                               \
    }                                                                         \
    ASSERT_EQ(result, want);                                                  \
  } while (0)

TEST(fs_each_allocation_fails_once) {
  enum { COUNT = 100 };
  const char* path = test_path("many");
  char name[300];
  int i;
  ASSERT_OK(mkdir(path, 0777));
  for (i = 0; i < COUNT; i++) {
    snprintf(name, sizeof(name), "many/%0200d", i);
    close(fs_open_plain(test_path(name), O_WRONLY | O_CREAT));
  }
  ASSERT_OK(symlink("target", test_path("link")));
  allocations_left = INT_MAX;
  ASSERT_OK(uv_replace_allocator(nth_malloc, nth_realloc, nth_calloc, free));

  UNTIL_IT_WORKS(uv_fs_scandir(NULL, fs_fresh(), path, 0, NULL), COUNT);
  UNTIL_IT_WORKS(uv_fs_readlink(NULL, fs_fresh(), test_path("link"), NULL), 0);
  UNTIL_IT_WORKS(uv_fs_realpath(NULL, fs_fresh(), path, NULL), 0);
  UNTIL_IT_WORKS(uv_fs_mkdtemp(NULL, fs_fresh(), test_path("XXXXXX"), NULL), 0);
}

/* Calls that need no memory work without any. */
TEST(fs_sync_calls_without_memory) {
  const char* path = fs_make("file", "abcdefgh", 8);
  char bytes[8];
  uv_buf_t bufs[8];
  uv_fs_t req;
  int fd;
  int i;
  for (i = 0; i < 8; i++) bufs[i] = uv_buf_init(bytes + i, 1);
  use_scarce_memory();
  out_of_memory = 1;
  fd = uv_fs_open(NULL, &req, path, UV_FS_O_RDWR, 0, NULL);
  ASSERT_GE(fd, 0);
  uv_fs_req_cleanup(&req);
  ASSERT_EQ(uv_fs_read(NULL, &req, fd, bufs, 8, 0, NULL), 8);
  uv_fs_req_cleanup(&req);
  ASSERT_EQ(uv_fs_write(NULL, &req, fd, bufs, 4, 0, NULL), 4);
  uv_fs_req_cleanup(&req);
  ASSERT_OK(uv_fs_stat(NULL, &req, path, NULL));
  uv_fs_req_cleanup(&req);
  ASSERT_OK(uv_fs_close(NULL, &req, fd, NULL));
  uv_fs_req_cleanup(&req);
  out_of_memory = 0;
  ASSERT_MEM_EQ(bytes, "abcdefgh", 8);
}

/* --- every call that takes a path, on paths that cannot be --- */

FS_TEST(fs_bad_paths) {
  static char long_name[NAME_MAX + 2];
  static char long_path[70000];
  const char* file = fs_make("file", "x", 1);
  const char* below = test_path("file/below");
  const char* loop = test_path("loop");
  struct {
    const char* path;
    int error;
  } cases[5];
  size_t i;
  memset(long_name, 'n', sizeof(long_name) - 1);
  memset(long_path, 'p', sizeof(long_path) - 1);
  ASSERT_OK(symlink("loop", loop));
  cases[0].path = test_path("missing/file"), cases[0].error = UV_ENOENT;
  /* Beside the file: renaming to another file system is refused first. */
  cases[1].path = test_path(long_name), cases[1].error = UV_ENAMETOOLONG;
  cases[2].path = long_path, cases[2].error = UV_ENAMETOOLONG;
  cases[3].path = below, cases[3].error = UV_ENOTDIR;
  cases[4].path = "", cases[4].error = UV_ENOENT;

  for (i = 0; i < 5; i++) {
    const char* path = cases[i].path;
    int error = cases[i].error;
    FS_IS(error, open, path, UV_FS_O_RDONLY, 0);
    FS_IS(error, unlink, path);
    FS_IS(error, mkdir, path, 0777);
    FS_IS(error, rmdir, path);
    FS_IS(error, scandir, path, 0);
    FS_IS(error, opendir, path);
    FS_IS(error, stat, path);
    FS_IS(error, lstat, path);
    FS_IS(error, statfs, path);
    FS_IS(error, rename, path, file);
    FS_IS(error, rename, file, path);
    FS_IS(error, access, path, F_OK);
    FS_IS(error, chmod, path, 0777);
    FS_IS(error, utime, path, 1, 1);
    FS_IS(error, lutime, path, 1, 1);
    FS_IS(error, link, path, test_path("new"));
    FS_IS(error, link, file, path);
    FS_IS(error, symlink, "x", path, 0);
    FS_IS(error, readlink, path);
    FS_IS(error, realpath, path);
    FS_IS(error, chown, path, -1, -1);
    FS_IS(error, lchown, path, -1, -1);
    FS_IS(error, copyfile, path, test_path("new"), 0);
    FS_IS(error, copyfile, file, path, 0);
  }
  FS_IS(UV_ELOOP, open, loop, UV_FS_O_RDONLY, 0);
  FS_IS(UV_ELOOP, stat, loop);
  FS_IS(UV_ELOOP, realpath, loop);
  FS_OK(lstat, loop);
  ASSERT(!fs_exists(test_path("new")));
  fs_assert_file(file, "x", 1);
}

/* A synchronous call hands even a NULL path to the kernel. */
TEST(fs_null_path_sync) {
  uv_fs_t req;
  if (test_under_valgrind())
    SKIP("valgrind objects to what the kernel is asked here");
  ASSERT_EQ(uv_fs_stat(NULL, &req, NULL, NULL), UV_EFAULT);
  ASSERT_NULL(req.path);
  uv_fs_req_cleanup(&req);
  ASSERT_EQ(uv_fs_open(NULL, &req, NULL, 0, 0, NULL), UV_EFAULT);
  uv_fs_req_cleanup(&req);
  ASSERT_EQ(uv_fs_rename(NULL, &req, NULL, NULL, NULL), UV_EFAULT);
  uv_fs_req_cleanup(&req);
}

/* Every call that takes a file, on descriptors that are none. */
/* The descriptor that is closed here would become the ring's. */
FS_TEST_NOT_RING(fs_bad_descriptors) {
  static const int bad[] = {-1, INT_MAX, INT_MIN};
  char byte = 'x';
  uv_buf_t buf = uv_buf_init(&byte, 1);
  int closed = dup(STDERR_FILENO);
  size_t i;
  close(closed);
  for (i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
    int fd = i == 0 ? closed : bad[i - 1];
    FS_IS(UV_EBADF, read, fd, &buf, 1, -1);
    FS_IS(UV_EBADF, read, fd, &buf, 1, 0);
    FS_IS(UV_EBADF, write, fd, &buf, 1, -1);
    FS_IS(UV_EBADF, write, fd, &buf, 1, 0);
    FS_IS(UV_EBADF, fsync, fd);
    FS_IS(UV_EBADF, fdatasync, fd);
    FS_IS(UV_EBADF, ftruncate, fd, 0);
    FS_IS(UV_EBADF, sendfile, fd, fd, 0, 1);
    FS_IS(UV_EBADF, fchmod, fd, 0600);
    FS_IS(UV_EBADF, fchown, fd, -1, -1);
    FS_IS(UV_EBADF, futime, fd, 1, 1);
    FS_IS(UV_EBADF, close, fd);
    FS_IS(UV_EBADF, fstat, fd);
  }
}

TEST(fs_osfhandle) {
  ASSERT_EQ(uv_get_osfhandle(7), 7);
  ASSERT_EQ(uv_get_osfhandle(-1), -1);
  ASSERT_EQ(uv_open_osfhandle(9), 9);
}
