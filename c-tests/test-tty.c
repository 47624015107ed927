/* Terminals, on pseudo-terminals of the tests' own. */
#define _GNU_SOURCE /* posix_openpt, ptsname_r */
#include <dlfcn.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>

#include "test-pipe.h"

static uv_loop_t loop;

/* The two sides of a pseudo-terminal: who types and who reads. */
static int master, slave;
static char slave_path[64];

static void open_terminal(void) {
  master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master == -1) SKIP("no pseudo-terminals");
  ASSERT_OK(grantpt(master));
  ASSERT_OK(unlockpt(master));
  ASSERT_OK(ptsname_r(master, slave_path, sizeof(slave_path)));
  slave = open(slave_path, O_RDWR | O_NOCTTY);
  ASSERT_GE(slave, 0);
}

static void open_all(uv_tty_t* tty) {
  open_terminal();
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tty_init(&loop, tty, slave, 0));
}

static struct termios attributes(int fd) {
  struct termios now;
  ASSERT_OK(tcgetattr(fd, &now));
  return now;
}

static int same(struct termios a, struct termios b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag &&
         a.c_cflag == b.c_cflag && a.c_lflag == b.c_lflag &&
         memcmp(a.c_cc, b.c_cc, sizeof(a.c_cc)) == 0;
}

/* The handle does not make the terminal non-blocking for those who have it
 * open already, as the parent of this process may. */
TEST(tty_init_reopens) {
  uv_tty_t tty;
  int inherited;
  open_terminal();
  inherited = dup(slave);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tty_init(&loop, &tty, slave, 0));
  ASSERT_EQ(tty.type, UV_TTY);
  ASSERT_NE(fd_of(&tty), slave);
  ASSERT_NE(fcntl(fd_of(&tty), F_GETFL) & O_NONBLOCK, 0);
  ASSERT_NE(fcntl(fd_of(&tty), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_EQ(fcntl(inherited, F_GETFL) & O_NONBLOCK, 0);
  /* The descriptor that was passed follows the handle. */
  ASSERT_NE(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
  CLOSE_LOOP(&loop);
  ASSERT_NE(fcntl(slave, F_GETFD), -1);
}

TEST(tty_init_directions) {
  static const int access[] = {O_RDONLY, O_WRONLY, O_RDWR};
  uv_tty_t tty[3];
  int i;
  open_terminal();
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 3; i++) {
    int fd = open(slave_path, access[i] | O_NOCTTY);
    ASSERT_GE(fd, 0);
    ASSERT_OK(uv_tty_init(&loop, &tty[i], fd, 0));
    ASSERT_EQ(uv_is_readable(STREAM(&tty[i])), access[i] != O_WRONLY);
    ASSERT_EQ(uv_is_writable(STREAM(&tty[i])), access[i] != O_RDONLY);
    uv_close(HANDLE(&tty[i]), NULL);
    ASSERT_EQ(uv_is_readable(STREAM(&tty[i])), 0);
    ASSERT_EQ(uv_is_writable(STREAM(&tty[i])), 0);
    ASSERT_OK(close(fd));
  }
  CLOSE_LOOP(&loop);
}

/* Opening the name of a master would open a slave. */
TEST(tty_init_keeps_a_master) {
  uv_tty_t tty;
  open_terminal();
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tty_init(&loop, &tty, master, 0));
  ASSERT_EQ(fd_of(&tty), master);
  ASSERT_EQ(fcntl(master, F_GETFL) & O_NONBLOCK, 0);
  CLOSE_LOOP(&loop);
  ASSERT_EQ(fcntl(master, F_GETFD), -1);
}

/* A terminal that cannot be opened again is used as it is, and stays blocking. */
TEST(tty_init_without_descriptors) {
  uv_tty_t tty;
  uv_buf_t buf = uv_buf_init("x", 1);
  open_terminal();
  ASSERT_OK(uv_loop_init(&loop));
  exhaust_descriptors();
  ASSERT_OK(uv_tty_init(&loop, &tty, slave, 0));
  ASSERT_EQ(fd_of(&tty), slave);
  ASSERT_EQ(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
  ASSERT_EQ(uv_try_write(STREAM(&tty), &buf, 1), 1);
  CLOSE_LOOP(&loop);
}

TEST(tty_init_other_descriptors) {
  uv_tty_t tty, end, sock;
  int fds[2], file;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(uv_tty_init(&loop, &tty, -1, 0), UV_EINVAL);
  ASSERT_EQ(uv_tty_init(&loop, &tty, 1 << 20, 0), UV_EINVAL);
  file = open("/dev/null", O_RDWR);
  ASSERT_EQ(uv_tty_init(&loop, &tty, file, 0), UV_EINVAL);
  ASSERT_OK(close(file));
  file = open(test_path("file"), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(uv_tty_init(&loop, &tty, file, 0), UV_EINVAL);
  ASSERT_OK(close(file));
  /* The failed ones are no handles of the loop; pipes and sockets pass. */
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_OK(pipe(fds));
  ASSERT_OK(uv_tty_init(&loop, &end, fds[0], 0));
  ASSERT_EQ(fd_of(&end), fds[0]);
  ASSERT_EQ(end.type, UV_TTY);
  ASSERT_OK(uv_tty_init(&loop, &sock, socket(AF_INET, SOCK_STREAM, 0), 0));
  ASSERT_OK(close(fds[1]));
  CLOSE_LOOP(&loop);
}

TEST(tty_modes) {
  struct termios normal, now;
  uv_tty_t tty;
  open_all(&tty);
  normal = attributes(slave);
  ASSERT_NE(normal.c_lflag & (ICANON | ECHO | ISIG), 0);
  ASSERT_OK(uv_tty_set_mode(&tty, UV_TTY_MODE_NORMAL));
  ASSERT(same(attributes(slave), normal));

  ASSERT_OK(uv_tty_set_mode(&tty, UV_TTY_MODE_RAW));
  now = attributes(slave);
  ASSERT_EQ(now.c_iflag & (BRKINT | ICRNL | INPCK | ISTRIP | IXON), 0);
  ASSERT_EQ(now.c_lflag & (ECHO | ICANON | IEXTEN | ISIG), 0);
  ASSERT_EQ(now.c_oflag, normal.c_oflag | ONLCR);
  ASSERT_EQ(now.c_cflag & CS8, CS8);
  ASSERT_EQ(now.c_cc[VMIN], 1);
  ASSERT_EQ(now.c_cc[VTIME], 0);

  ASSERT_OK(uv_tty_set_mode(&tty, UV_TTY_MODE_RAW_VT));
  ASSERT(same(attributes(slave), now));

  ASSERT_OK(uv_tty_set_mode(&tty, UV_TTY_MODE_IO));
  now = attributes(slave);
  ASSERT_EQ(now.c_oflag & OPOST, 0);
  ASSERT_EQ(now.c_lflag & (ECHO | ECHONL | ICANON | IEXTEN | ISIG), 0);

  ASSERT_OK(uv_tty_set_mode(&tty, UV_TTY_MODE_NORMAL));
  ASSERT(same(attributes(slave), normal));
  CLOSE_LOOP(&loop);
}

TEST(tty_bad_modes) {
  struct termios normal;
  uv_tty_t tty;
  open_all(&tty);
  normal = attributes(slave);
  ASSERT_EQ(uv_tty_set_mode(&tty, (uv_tty_mode_t) -1), UV_EINVAL);
  ASSERT_EQ(uv_tty_set_mode(&tty, (uv_tty_mode_t) 4), UV_EINVAL);
  ASSERT(same(attributes(slave), normal));
  CLOSE_LOOP(&loop);
}

TEST(tty_reset_mode) {
  struct termios normal;
  uv_tty_t tty;
  open_all(&tty);
  normal = attributes(slave);
  errno = 0;
  ASSERT_OK(uv_tty_reset_mode());
  ASSERT_OK(uv_tty_set_mode(&tty, UV_TTY_MODE_RAW));
  ASSERT(!same(attributes(slave), normal));
  ASSERT_OK(uv_tty_reset_mode());
  ASSERT(same(attributes(slave), normal));
  ASSERT_OK(uv_tty_reset_mode());
  ASSERT_EQ(errno, 0);
  /* Later modes still go back to the attributes of the beginning. */
  ASSERT_OK(uv_tty_set_mode(&tty, UV_TTY_MODE_IO));
  ASSERT_OK(uv_tty_set_mode(&tty, UV_TTY_MODE_NORMAL));
  ASSERT(same(attributes(slave), normal));
  CLOSE_LOOP(&loop);
  ASSERT_OK(uv_tty_reset_mode());
}

/* Only the terminal that was changed first is put back, when it is closed and
 * when the program asks for it. */
TEST(tty_close_restores) {
  struct termios normal;
  uv_tty_t first, second;
  int first_slave;
  open_all(&first);
  first_slave = slave;
  open_terminal();
  ASSERT_OK(uv_tty_init(&loop, &second, slave, 0));
  normal = attributes(slave);
  ASSERT_OK(uv_tty_set_mode(&first, UV_TTY_MODE_RAW));
  ASSERT_OK(uv_tty_set_mode(&second, UV_TTY_MODE_RAW));
  uv_close(HANDLE(&first), NULL);
  ASSERT(same(attributes(first_slave), normal));
  ASSERT(!same(attributes(slave), normal));
  ASSERT_OK(uv_tty_reset_mode());
  ASSERT(!same(attributes(slave), normal));
  CLOSE_LOOP(&loop);
  ASSERT(!same(attributes(slave), normal));
}

static void on_signal(int signum) {
  (void) signum;
  uv_tty_reset_mode();
}

TEST(tty_reset_mode_in_a_signal_handler) {
  struct termios normal;
  uv_tty_t tty;
  open_all(&tty);
  normal = attributes(slave);
  ASSERT_OK(uv_tty_set_mode(&tty, UV_TTY_MODE_RAW));
  ASSERT(!same(attributes(slave), normal));
  signal(SIGUSR1, on_signal);
  raise(SIGUSR1);
  ASSERT(same(attributes(slave), normal));
  CLOSE_LOOP(&loop);
}

static uv_sem_t entered, leave;
static _Thread_local int stops;

/* Replaces the C library's function for the whole program. */
int tcsetattr(int fd, int when, const struct termios* to) {
  int (*real)(int, int, const struct termios*);
  *(void**) &real = dlsym(RTLD_NEXT, "tcsetattr");
  if (stops) {
    uv_sem_post(&entered);
    uv_sem_wait(&leave);
  }
  return real(fd, when, to);
}

static void reset_and_stop(void* arg) {
  stops = 1;
  *(int*) arg = uv_tty_reset_mode();
}

static uv_tty_t locked;

static void close_locked(void) {
  const struct rlimit seconds = {2, 2};
  ASSERT_OK(setrlimit(RLIMIT_CPU, &seconds));
  ASSERT_OK(uv_loop_fork(&loop));
  CLOSE_LOOP(&loop);
  ASSERT_OK(uv_tty_reset_mode());
}

/* A child of a fork lacks the thread that is resetting the mode at that moment. */
TEST(tty_fork_while_a_thread_resets) {
  uv_thread_t thread;
  int result = -1;
  ASSERT_OK(uv_sem_init(&entered, 0));
  ASSERT_OK(uv_sem_init(&leave, 0));
  open_all(&locked);
  ASSERT_OK(uv_tty_set_mode(&locked, UV_TTY_MODE_RAW));
  ASSERT_OK(uv_thread_create(&thread, reset_and_stop, &result));
  uv_sem_wait(&entered);
  ASSERT_EQ(uv_tty_reset_mode(), UV_EBUSY);
  ASSERT_SURVIVES(close_locked);
  uv_sem_post(&leave);
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_OK(result);
  CLOSE_LOOP(&loop);
}

TEST(tty_window_size) {
  struct winsize size = {24, 80, 0, 0};
  uv_tty_t tty;
  int width = -1, height = -1;
  open_all(&tty);
  ASSERT_OK(ioctl(master, TIOCSWINSZ, &size));
  ASSERT_OK(uv_tty_get_winsize(&tty, &width, &height));
  ASSERT_EQ(width, 80);
  ASSERT_EQ(height, 24);
  uv_close(HANDLE(&tty), NULL);
  ASSERT_EQ(uv_tty_get_winsize(&tty, &width, &height), UV_EBADF);
  CLOSE_LOOP(&loop);
}

TEST(tty_window_size_needs_a_terminal) {
  uv_tty_t tty;
  int fds[2], width, height;
  ASSERT_OK(pipe(fds));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tty_init(&loop, &tty, fds[0], 0));
  ASSERT_EQ(uv_tty_get_winsize(&tty, &width, &height), UV_ENOTTY);
  ASSERT_EQ(uv_tty_set_mode(&tty, UV_TTY_MODE_RAW), UV_ENOTTY);
  ASSERT_OK(close(fds[1]));
  CLOSE_LOOP(&loop);
}

TEST(tty_vterm_state) {
  uv_tty_vtermstate_t state = UV_TTY_UNSUPPORTED;
  uv_tty_set_vterm_state(UV_TTY_SUPPORTED);
  ASSERT_EQ(uv_tty_get_vterm_state(&state), UV_ENOTSUP);
  ASSERT_EQ(state, UV_TTY_UNSUPPORTED);
}

static int pieces;

static void collect_pieces(uv_stream_t* stream, ssize_t nread,
                           const uv_buf_t* buf) {
  if (nread > 0) pieces++;
  collect(stream, nread, buf);
}

/* A terminal ends reads at lines; all lines are reported all the same. */
TEST(tty_lines) {
  uv_tty_t tty;
  open_all(&tty);
  ASSERT_OK(uv_read_start(STREAM(&tty), alloc_static, collect_pieces));
  ASSERT_EQ(write(master, "one\ntwo\nthree\n", 14), 14);
  RUN_UNTIL(&loop, received_len == 14);
  ASSERT_MEM_EQ(received, "one\ntwo\nthree\n", 14);
  ASSERT_EQ(pieces, 3);
  CLOSE_LOOP(&loop);
}

static void count_write(uv_write_t* req, int status) {
  ASSERT_OK(status);
  ++*(int*) req->data;
}

TEST(tty_raw_bytes_both_ways) {
  uv_tty_t tty;
  uv_write_t write_req;
  uv_buf_t buf = uv_buf_init("out\n", 4);
  char seen[8] = {0};
  int written = 0, got = 0;
  open_all(&tty);
  ASSERT_OK(uv_tty_set_mode(&tty, UV_TTY_MODE_RAW));
  ASSERT_OK(uv_read_start(STREAM(&tty), alloc_static, collect));
  ASSERT_EQ(write(master, "\003x\r", 3), 3);
  RUN_UNTIL(&loop, received_len == 3);
  ASSERT_MEM_EQ(received, "\003x\r", 3);
  write_req.data = &written;
  ASSERT_OK(uv_write(&write_req, STREAM(&tty), &buf, 1, count_write));
  RUN_UNTIL(&loop, written == 1);
  while (got < 5) {
    ssize_t n = read(master, seen + got, sizeof(seen) - got);
    ASSERT_GT(n, 0);
    got += (int) n;
  }
  ASSERT_STR_EQ(seen, "out\r\n");
  CLOSE_LOOP(&loop);
}

/* More than a terminal holds, while a thread reads on the other side. */
TEST(tty_much_output) {
  enum { SIZE = 100000 };
  static char data[SIZE];
  char seen[4096];
  uv_tty_t tty;
  uv_write_t write_req;
  uv_buf_t buf = uv_buf_init(data, SIZE);
  int written = 0;
  size_t got = 0;
  open_all(&tty);
  memset(data, 'x', SIZE);
  ASSERT_OK(fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK));
  write_req.data = &written;
  ASSERT_OK(uv_write(&write_req, STREAM(&tty), &buf, 1, count_write));
  ASSERT_GT(uv_stream_get_write_queue_size(STREAM(&tty)), 0);
  while (got < SIZE) {
    ssize_t n = read(master, seen, sizeof(seen));
    if (n > 0)
      got += n;
    else
      ASSERT_EQ(errno, EAGAIN);
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  RUN_UNTIL(&loop, written == 1);
  ASSERT_EQ(got, SIZE);
  CLOSE_LOOP(&loop);
}

static void feed_master(void* arg) {
  (void) arg;
  for (int i = 0; i < 1000; i++)
    ASSERT_EQ(write(slave, "0123456789abcdef0123456789abcde\n", 32), 32);
  ASSERT_OK(close(slave));
}

/* Everything that was written before the hang-up is read before its end is
 * reported. */
TEST(tty_master_reads_to_the_end) {
  uv_tty_t tty;
  uv_thread_t thread;
  struct termios raw;
  open_terminal();
  raw = attributes(slave);
  cfmakeraw(&raw);
  ASSERT_OK(tcsetattr(slave, TCSANOW, &raw));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tty_init(&loop, &tty, master, 0));
  ASSERT_OK(uv_read_start(STREAM(&tty), alloc_static, collect));
  ASSERT_OK(uv_thread_create(&thread, feed_master, NULL));
  RUN_UNTIL(&loop, received_end != 0);
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(received_len, 32000);
  CLOSE_LOOP(&loop);
}

TEST(tty_hang_up) {
  uv_tty_t tty;
  open_all(&tty);
  ASSERT_OK(uv_read_start(STREAM(&tty), alloc_static, collect));
  ASSERT_OK(close(master));
  RUN_UNTIL(&loop, received_end != 0);
  ASSERT_EQ(received_end, UV_EOF);
  CLOSE_LOOP(&loop);
}

static void shutdown_status(uv_shutdown_t* req, int status) {
  *(int*) req->data = status;
}

/* The master side as a pipe: what its read calls an error is the end. */
TEST(tty_hang_up_of_a_master_that_is_a_pipe) {
  uv_pipe_t pipe;
  int data;
  for (data = 0; data < 2; data++) {
    open_terminal();
    ASSERT_OK(uv_loop_init(&loop));
    ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
    ASSERT_OK(uv_pipe_open(&pipe, master));
    received_len = 0;
    received_end = 0;
    if (data) ASSERT_EQ(write(slave, "last", 4), 4);
    close(slave);
    ASSERT_OK(uv_read_start(STREAM(&pipe), alloc_static, collect));
    RUN_UNTIL(&loop, received_end != 0);
    ASSERT_EQ(received_len, data ? 4 : 0);
    ASSERT_EQ(received_end, UV_EOF);
    CLOSE_LOOP(&loop);
  }
}

TEST(tty_shutdown_is_for_sockets) {
  uv_tty_t tty;
  uv_shutdown_t req;
  int status = 0;
  open_all(&tty);
  req.data = &status;
  ASSERT_OK(uv_shutdown(&req, STREAM(&tty), shutdown_status));
  RUN_UNTIL(&loop, status != 0);
  ASSERT_EQ(status, UV_ENOTSOCK);
  CLOSE_LOOP(&loop);
}

TEST(tty_is_not_sent_over_pipes) {
  uv_tty_t tty;
  uv_pipe_t one, other;
  uv_write_t req;
  uv_buf_t buf = uv_buf_init("x", 1);
  open_all(&tty);
  pipe_pair(&loop, &one, &other, 1);
  ASSERT_EQ(uv_write2(&req, STREAM(&one), &buf, 1, STREAM(&tty), never_write),
            UV_EBADF);
  CLOSE_LOOP(&loop);
}
