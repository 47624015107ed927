/* Makes the n-th allocation of libuv.so.1 fail; preloaded by run.py.
 *
 * OXUV_TORTURE_FILE  a file of the size of `struct shared`, for the results
 * OXUV_TORTURE_NTH   which allocation fails, from 1; 0 for none
 * OXUV_TORTURE_ALL   all after it fail, too
 *
 * Only calls from the library count. A crash counts as its fault if it calls
 * abort(), or if the instruction is in it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

struct shared {
  atomic_uint calls;  /* of the library */
  atomic_uint failed; /* of them */
  atomic_uint faults; /* crashes of the library */
};

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static struct shared* shared;
static unsigned nth;
static int all;
static uintptr_t library_start, library_end;

static int in_library(uintptr_t address) {
  return address >= library_start && address < library_end;
}

static int fails(const void* caller) {
  unsigned call;
  if (shared == NULL || !in_library((uintptr_t) caller)) return 0;
  call = atomic_fetch_add(&shared->calls, 1) + 1;
  if (nth == 0 || call < nth || (call > nth && !all)) return 0;
  atomic_fetch_add(&shared->failed, 1);
  errno = ENOMEM;
  return 1;
}

#define CALLER __builtin_return_address(0)

void* malloc(size_t size) {
  return fails(CALLER) ? NULL : __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  return fails(CALLER) ? NULL : __libc_calloc(count, size);
}

void* realloc(void* block, size_t size) {
  return fails(CALLER) ? NULL : __libc_realloc(block, size);
}

int posix_memalign(void** block, size_t alignment, size_t size) {
  if (fails(CALLER)) return ENOMEM;
  *block = __libc_memalign(alignment, size);
  return *block == NULL ? ENOMEM : 0;
}

void* mmap(void* at, size_t size, int protection, int flags, int fd,
           off_t offset) {
  static void* (*next)(void*, size_t, int, int, int, off_t);
  if (fails(CALLER)) return MAP_FAILED;
  if (next == NULL) *(void**) &next = dlsym(RTLD_NEXT, "mmap");
  return next(at, size, protection, flags, fd, offset);
}

void abort(void) {
  static void (*next)(void);
  if (shared != NULL && in_library((uintptr_t) CALLER))
    atomic_fetch_add(&shared->faults, 1);
  *(void**) &next = dlsym(RTLD_NEXT, "abort");
  next();
  _exit(134);
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

__attribute__((constructor)) static void start(void) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  struct sigaction action = {.sa_sigaction = crashed,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK};
  const char* file = getenv("OXUV_TORTURE_FILE");
  const char* number = getenv("OXUV_TORTURE_NTH");
  void* page;
  size_t i;
  int fd = file == NULL ? -1 : open(file, O_RDWR | O_CLOEXEC);
  if (fd == -1) return;
  page = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (page == MAP_FAILED) return;
  dl_iterate_phdr(find_library, NULL);
  nth = number == NULL ? 0 : (unsigned) strtoul(number, NULL, 10);
  all = getenv("OXUV_TORTURE_ALL") != NULL;
  for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
    sigaction(signals[i], &action, NULL);
  shared = page;
}
