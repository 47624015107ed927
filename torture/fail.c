/* Makes calls of libuv.so.1 fail: its allocations, or system calls; preloaded by
 * run.py.
 *
 * OXUV_TORTURE_FILE   a file of the size of `struct shared`, for the results
 * OXUV_TORTURE_CALL   "memory", or a name from calls.h
 * OXUV_TORTURE_ERROR  the error; SHORT cuts a read or write to one byte
 * OXUV_TORTURE_NTH    the first call that fails, from 1; 0 for none
 * OXUV_TORTURE_COUNT  how many calls fail from there, 1 by default
 *
 * Only calls from the library count. A crash counts as its fault if it calls
 * abort(), or if the instruction is in it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>

enum { SHORT = -1 };

enum call {
  MEMORY,
#define CALL(name, ...) CALL_##name,
#define AFTER CALL
#define INSTEAD CALL
#include "calls.h"
#undef CALL
  CALLS
};

static const char* const names[CALLS] = {
    "memory",
#define CALL(name, ...) #name,
#include "calls.h"
#undef CALL
#undef AFTER
#undef INSTEAD
};

struct shared {
  atomic_uint failed;       /* calls */
  atomic_uint faults;       /* crashes of the library */
  atomic_uint calls[CALLS]; /* of the library */
};

typedef long call_fn(long, long, long, long, long, long, long);

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

/* Declared here, as the headers of the wrapped functions are not included. */
extern void* real_mmap(void*, size_t, int, int, int, long) __asm__("mmap64");
extern int real_open(const char*, int, ...) __asm__("open64");

static struct shared* shared;
static enum call failing = CALLS;
static int error;
static unsigned nth, count = 1;
static uintptr_t library_start, library_end;
static call_fn* real[CALLS];

static int in_library(uintptr_t address) {
  return address >= library_start && address < library_end;
}

static int fails(enum call call, const void* caller, long a, long c);

/* For an allocator that the program has set: whether this call of it fails. */
int oxuv_torture_memory_fails(void) {
  return fails(MEMORY, (void*) library_start, 0, 0);
}

/* Whether the kernel might fail so. Reading or writing an eventfd never fails, nor does
 * the write of a signal handler to a pipe, the only one through syscall(). A pipe delivers
 * whole records of the size in which they were written. */
static int possible(enum call call, long fd, long size) {
  enum { REGULAR, PIPE, SOCKET, OTHER } type = OTHER;
  struct stat file;
  int saved = errno, anonymous;
  if (call == CALL_syscall) return fd != SYS_futex && fd != SYS_write;
  if (call != CALL_read && call != CALL_write && call != CALL_readv && call != CALL_writev)
    return 1;
  if (fstat((int) fd, &file) != 0) file.st_mode = 0;
  errno = saved;
  anonymous = (file.st_mode & S_IFMT) == 0;
  if (S_ISREG(file.st_mode)) type = REGULAR;
  if (S_ISFIFO(file.st_mode)) type = PIPE;
  if (S_ISSOCK(file.st_mode)) type = SOCKET;
  if (error == EIO) return type == REGULAR || (type == OTHER && !anonymous);
  if (error == EPIPE) return type == PIPE || type == SOCKET;
  if (error == SHORT && type == PIPE) return size > 4096;
  return !anonymous;
}

/* Counts the call, and returns whether it fails. */
static int fails(enum call call, const void* caller, long a, long c) {
  unsigned number;
  if (shared == NULL || !in_library((uintptr_t) caller)) return 0;
  if (!possible(call, a, c)) return 0;
  number = atomic_fetch_add(&shared->calls[call], 1) + 1;
  if (call != failing || nth == 0 || number < nth || number - nth >= count)
    return 0;
  atomic_fetch_add(&shared->failed, 1);
  errno = error;
  return 1;
}

#define CALLER __builtin_return_address(0)

void* malloc(size_t size) {
  return fails(MEMORY, CALLER, 0, 0) ? NULL : __libc_malloc(size);
}

void* calloc(size_t number, size_t size) {
  return fails(MEMORY, CALLER, 0, 0) ? NULL : __libc_calloc(number, size);
}

void* realloc(void* block, size_t size) {
  return fails(MEMORY, CALLER, 0, 0) ? NULL : __libc_realloc(block, size);
}

int posix_memalign(void** block, size_t alignment, size_t size) {
  if (fails(MEMORY, CALLER, 0, 0)) return ENOMEM;
  *block = __libc_memalign(alignment, size);
  return *block == NULL ? ENOMEM : 0;
}

void* mmap(void* at, size_t size, int protection, int flags, int fd, long from) {
  if (fails(MEMORY, CALLER, 0, 0)) return (void*) -1;
  return real_mmap(at, size, protection, flags, fd, from);
}

static long run(enum call call, long a, long b, long c, long d, long e, long f,
                long g) {
  if (real[call] == NULL) *(void**) &real[call] = dlsym(RTLD_NEXT, names[call]);
  return real[call](a, b, c, d, e, f, g);
}

/* All wrapped calls return an integer, and have at most six arguments, but syscall()
 * has seven. Those that the caller does not pass are not used. */
#define DEFINE(name, on_failure)                                               \
  call_fn wrapped_##name __asm__(#name);                                       \
  long wrapped_##name(long a, long b, long c, long d, long e, long f, long g) {\
    enum call call = CALL_##name;                                              \
    if (fails(call, CALLER, a, c)) {                                           \
      if (error != SHORT) on_failure;                                          \
      if (c > 1) c = 1;                                                        \
    }                                                                          \
    return run(call, a, b, c, d, e, f, g);                                     \
  }
#define CALL(name, ...) DEFINE(name, return -1)
#define INSTEAD(name, ...) DEFINE(name, return error)
#define AFTER(name, ...)                                                       \
  DEFINE(name, run(call, a, b, c, d, e, f, g); errno = error; return -1)
#include "calls.h"
#undef CALL
#undef AFTER
#undef INSTEAD

void abort(void) {
  static void (*next)(void);
  if (shared != NULL && in_library((uintptr_t) CALLER))
    atomic_fetch_add(&shared->faults, 1);
  *(void**) &next = dlsym(RTLD_NEXT, "abort");
  next();
  _Exit(134);
}

static void crashed(int signum, siginfo_t* info, void* context) {
  uintptr_t at = (uintptr_t) info->si_addr;
#ifdef __x86_64__
  at = (uintptr_t) ((ucontext_t*) context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
  at = (uintptr_t) ((ucontext_t*) context)->uc_mcontext.pc;
#endif
  if (in_library(at)) atomic_fetch_add(&shared->faults, 1);
  signal(signum, SIG_DFL);
  raise(signum);
}

static int find_library(struct dl_phdr_info* info, size_t size, void* data) {
  int i;
  (void) size;
  (void) data;
  if (strstr(info->dlpi_name, "libuv.so") == NULL) return 0;
  for (i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
    library_start = info->dlpi_addr + part->p_vaddr;
    library_end = library_start + part->p_memsz;
  }
  return 1;
}

/* Maps the file, for the lifetime of the process. */
static struct shared* map(const char* file) {
  enum { RDWR = 2, CLOEXEC = 02000000, READ_WRITE = 3, MAP_SHARED_ = 1 };
  int fd = real_open(file, RDWR | CLOEXEC);
  void* page;
  if (fd == -1) return NULL;
  page = real_mmap(NULL, sizeof(*shared), READ_WRITE, MAP_SHARED_, fd, 0);
  run(CALL_close, fd, 0, 0, 0, 0, 0, 0);
  return page == (void*) -1 ? NULL : page;
}

static unsigned number(const char* name, unsigned otherwise) {
  const char* text = getenv(name);
  return text == NULL ? otherwise : (unsigned) strtol(text, NULL, 10);
}

__attribute__((constructor)) static void start(void) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  struct sigaction action = {.sa_sigaction = crashed,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK};
  const char* file = getenv("OXUV_TORTURE_FILE");
  const char* call = getenv("OXUV_TORTURE_CALL");
  struct shared* page;
  size_t i;
  /* Not in the child of a fork, which may not allocate. */
  for (i = MEMORY + 1; i < CALLS; i++)
    *(void**) &real[i] = dlsym(RTLD_NEXT, names[i]);
  page = file == NULL ? NULL : map(file);
  if (page == NULL) return;
  dl_iterate_phdr(find_library, NULL);
  for (failing = 0; failing < CALLS; failing++)
    if (call != NULL && strcmp(call, names[failing]) == 0) break;
  error = (int) number("OXUV_TORTURE_ERROR", ENOMEM);
  nth = number("OXUV_TORTURE_NTH", 0);
  count = number("OXUV_TORTURE_COUNT", 1);
  for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
    sigaction(signals[i], &action, NULL);
  shared = page;
}
