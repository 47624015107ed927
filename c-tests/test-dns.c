/* uv_getaddrinfo() and uv_getnameinfo(). The C library's functions are
 * replaced by ones of this file: no name leaves the machine, and a look-up
 * takes as long and ends as a test wants. */
#define _GNU_SOURCE
#include "test.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>

static uv_loop_t loop;
static int done;

/* The arguments of the last look-up; several may run at the same time. */
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;
static char asked_host[512], asked_service[64];
static int has_host, has_service, has_hints, asked_flags;

/* Its result; with 0 it makes up an address, or resolves a numeric name. */
static int answer, answer_errno;

/* With `blocking`, a look-up says that it began, and waits. */
static int blocking;
static uv_sem_t began, go_on;

static void wait_if_blocking(void) {
  if (!blocking) return;
  uv_sem_post(&began);
  uv_sem_wait(&go_on);
}

int getaddrinfo(const char* host, const char* service,
                const struct addrinfo* hints, struct addrinfo** list) {
  struct addrinfo numeric = {.ai_socktype = SOCK_STREAM};
  int (*real)(const char*, const char*, const struct addrinfo*,
              struct addrinfo**);

  wait_if_blocking();
  pthread_mutex_lock(&asking);
  if ((has_host = host != NULL))
    snprintf(asked_host, sizeof(asked_host), "%s", host);
  if ((has_service = service != NULL))
    snprintf(asked_service, sizeof(asked_service), "%s", service);
  if ((has_hints = hints != NULL)) {
    asked_flags = hints->ai_flags;
    numeric = *hints;
  }
  pthread_mutex_unlock(&asking);
  if (answer != 0) {
    errno = answer_errno;
    return answer;
  }
  numeric.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
  *(void**) &real = dlsym(RTLD_NEXT, "getaddrinfo");
  return real(host, service, &numeric, list);
}

int getnameinfo(const struct sockaddr* addr, socklen_t addrlen, char* host,
                socklen_t hostlen, char* service, socklen_t servicelen,
                int flags) {
  int (*real)(const struct sockaddr*, socklen_t, char*, socklen_t, char*,
              socklen_t, int);

  wait_if_blocking();
  pthread_mutex_lock(&asking);
  asked_flags = flags;
  pthread_mutex_unlock(&asking);
  if (answer != 0) {
    errno = answer_errno;
    return answer;
  }
  *(void**) &real = dlsym(RTLD_NEXT, "getnameinfo");
  return real(addr, addrlen, host, hostlen, service, servicelen,
              NI_NUMERICHOST | NI_NUMERICSERV);
}

static const struct {
  int eai, error;
} codes[] = {
    {EAI_ADDRFAMILY, UV_EAI_ADDRFAMILY}, {EAI_AGAIN, UV_EAI_AGAIN},
    {EAI_BADFLAGS, UV_EAI_BADFLAGS},     {EAI_FAIL, UV_EAI_FAIL},
    {EAI_FAMILY, UV_EAI_FAMILY},         {EAI_MEMORY, UV_EAI_MEMORY},
    {EAI_NODATA, UV_EAI_NODATA},         {EAI_NONAME, UV_EAI_NONAME},
    {EAI_OVERFLOW, UV_EAI_OVERFLOW},     {EAI_SERVICE, UV_EAI_SERVICE},
    {EAI_SOCKTYPE, UV_EAI_SOCKTYPE},     {EAI_CANCELED, UV_EAI_CANCELED},
    {EAI_SYSTEM, UV_ENOTCONN},
};

static int expected;

static void address_cb(uv_getaddrinfo_t* req, int status,
                       struct addrinfo* list) {
  struct sockaddr_in addr;

  ASSERT_EQ(req->type, UV_GETADDRINFO);
  ASSERT_PTR_EQ(req->loop, &loop);
  ASSERT_EQ(status, expected);
  if (status == 0) {
    ASSERT_NOT_NULL(list);
    ASSERT_PTR_EQ(req->addrinfo, list);
    ASSERT_OK(uv_ip4_addr("127.0.0.1", 80, &addr));
    ASSERT_EQ(list->ai_family, AF_INET);
    ASSERT_MEM_EQ(list->ai_addr, &addr, 8);
  } else {
    ASSERT_NULL(list);
  }
  uv_freeaddrinfo(list);
  done++;
}

TEST(dns_getaddrinfo_answers) {
  uv_getaddrinfo_t req;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_getaddrinfo(NULL, &req, NULL, "127.0.0.1", "80", NULL));
  ASSERT_NOT_NULL(req.addrinfo);
  ASSERT_EQ(has_hints, 0);
  uv_freeaddrinfo(req.addrinfo);
  uv_freeaddrinfo(NULL);

  ASSERT_OK(uv_getaddrinfo(&loop, &req, address_cb, "127.0.0.1", "80", NULL));
  ASSERT_EQ(done, 0);
  ASSERT(uv_loop_alive(&loop));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  /* No hints are not hints that say nothing. */
  ASSERT_EQ(has_hints, 0);
  CLOSE_LOOP(&loop);
}

TEST(dns_getaddrinfo_copies_its_arguments) {
  struct addrinfo hints;
  char host[] = "127.0.0.1", service[] = "80";
  uv_getaddrinfo_t req;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_sem_init(&began, 0));
  ASSERT_OK(uv_sem_init(&go_on, 0));
  blocking = 1;
  memset(&hints, 0, sizeof(hints));
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_DGRAM;
  ASSERT_OK(uv_getaddrinfo(&loop, &req, address_cb, host, service, &hints));
  uv_sem_wait(&began);
  memset(&hints, 0xdb, sizeof(hints));
  memset(host, '#', sizeof(host) - 1);
  memset(service, '#', sizeof(service) - 1);
  uv_sem_post(&go_on);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  ASSERT_STR_EQ(asked_host, "127.0.0.1");
  ASSERT_STR_EQ(asked_service, "80");
  ASSERT(has_hints);
  ASSERT_EQ(asked_flags, AI_PASSIVE);
  CLOSE_LOOP(&loop);
}

TEST(dns_getaddrinfo_of_a_host_or_a_service_alone) {
  uv_getaddrinfo_t req;

  ASSERT_OK(uv_getaddrinfo(NULL, &req, NULL, "127.0.0.1", NULL, NULL));
  uv_freeaddrinfo(req.addrinfo);
  ASSERT(has_host && !has_service);
  ASSERT_OK(uv_getaddrinfo(NULL, &req, NULL, NULL, "80", NULL));
  uv_freeaddrinfo(req.addrinfo);
  ASSERT(!has_host && has_service);
}

TEST(dns_getaddrinfo_refuses) {
  char name[300];
  uv_getaddrinfo_t req;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(uv_getaddrinfo(&loop, NULL, address_cb, "a", NULL, NULL),
            UV_EINVAL);
  ASSERT_EQ(uv_getaddrinfo(&loop, &req, address_cb, NULL, NULL, NULL),
            UV_EINVAL);
  ASSERT_EQ(uv_getaddrinfo(&loop, &req, address_cb, "", "80", NULL),
            UV_EINVAL);
  ASSERT_EQ(uv_getaddrinfo(&loop, &req, address_cb, "\xff", NULL, NULL),
            UV_EINVAL);
  memset(name, 'a', sizeof(name));
  name[256] = '\0';
  ASSERT_EQ(uv_getaddrinfo(&loop, &req, address_cb, name, NULL, NULL),
            UV_EINVAL);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  answer = EAI_NONAME;
  name[255] = '\0';
  ASSERT_EQ(uv_getaddrinfo(NULL, &req, NULL, name, NULL, NULL),
            UV_EAI_NONAME);
  ASSERT_STR_EQ(asked_host, name);
  CLOSE_LOOP(&loop);
}

TEST(dns_getaddrinfo_converts_names_to_ascii) {
  uv_getaddrinfo_t req;

  answer = EAI_NONAME;
  ASSERT_EQ(uv_getaddrinfo(NULL, &req, NULL, "b\xc3\xbc" "cher.invalid", NULL,
                           NULL),
            UV_EAI_NONAME);
  ASSERT_STR_EQ(asked_host, "xn--bcher-kva.invalid");
  /* An ideographic full stop is a dot. */
  ASSERT_EQ(uv_getaddrinfo(NULL, &req, NULL, "a\xe3\x80\x82" "B", NULL, NULL),
            UV_EAI_NONAME);
  ASSERT_STR_EQ(asked_host, "a.B");
}

TEST(dns_getaddrinfo_errors) {
  uv_getaddrinfo_t req;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
    answer = codes[i].eai;
    answer_errno = ENOTCONN;
    expected = codes[i].error;
    ASSERT_EQ(uv_getaddrinfo(NULL, &req, NULL, "a", NULL, NULL), expected);
    ASSERT_NULL(req.addrinfo);
    ASSERT_OK(uv_getaddrinfo(&loop, &req, address_cb, "a", NULL, NULL));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(done, (int) i + 1);
  }
  CLOSE_LOOP(&loop);
}

static void name_cb(uv_getnameinfo_t* req, int status, const char* host,
                    const char* service) {
  ASSERT_EQ(req->type, UV_GETNAMEINFO);
  ASSERT_PTR_EQ(req->loop, &loop);
  ASSERT_EQ(status, expected);
  if (status == 0) {
    ASSERT_STR_EQ(host, "::1");
    ASSERT_STR_EQ(service, "8080");
    ASSERT_PTR_EQ(host, req->host);
    ASSERT_PTR_EQ(service, req->service);
  } else {
    ASSERT_NULL(host);
    ASSERT_NULL(service);
  }
  done++;
}

TEST(dns_getnameinfo_answers) {
  struct sockaddr_in addr4;
  struct sockaddr_in6 addr6;
  uv_getnameinfo_t req;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 80, &addr4));
  ASSERT_OK(uv_getnameinfo(&loop, &req, NULL, (struct sockaddr*) &addr4, 0));
  ASSERT_STR_EQ(req.host, "127.0.0.1");
  ASSERT_STR_EQ(req.service, "80");
  ASSERT_EQ(uv_loop_alive(&loop), 0);

  ASSERT_OK(uv_ip6_addr("::1", 8080, &addr6));
  ASSERT_OK(uv_getnameinfo(&loop, &req, name_cb, (struct sockaddr*) &addr6,
                           NI_DGRAM));
  memset(&addr6, 0xdb, sizeof(addr6));
  ASSERT_EQ(done, 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  ASSERT_EQ(asked_flags, NI_DGRAM);
  CLOSE_LOOP(&loop);
}

TEST(dns_getnameinfo_refuses) {
  struct sockaddr_in addr;
  uv_getnameinfo_t req;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 80, &addr));
  ASSERT_EQ(uv_getnameinfo(&loop, NULL, name_cb, (struct sockaddr*) &addr, 0),
            UV_EINVAL);
  ASSERT_EQ(uv_getnameinfo(&loop, &req, name_cb, NULL, 0), UV_EINVAL);
  addr.sin_family = AF_UNIX;
  ASSERT_EQ(uv_getnameinfo(&loop, &req, name_cb, (struct sockaddr*) &addr, 0),
            UV_EINVAL);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  CLOSE_LOOP(&loop);
}

TEST(dns_getnameinfo_errors) {
  struct sockaddr_in addr;
  uv_getnameinfo_t req;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 80, &addr));
  for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
    answer = codes[i].eai;
    answer_errno = ENOTCONN;
    expected = codes[i].error;
    ASSERT_EQ(uv_getnameinfo(&loop, &req, NULL, (struct sockaddr*) &addr, 0),
              expected);
    ASSERT_OK(
        uv_getnameinfo(&loop, &req, name_cb, (struct sockaddr*) &addr, 0));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(done, (int) i + 1);
  }
  CLOSE_LOOP(&loop);
}

/* Look-ups that block. */

static void block_look_ups(const char* threads) {
  ASSERT_OK(setenv("UV_THREADPOOL_SIZE", threads, 1));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_sem_init(&began, 0));
  ASSERT_OK(uv_sem_init(&go_on, 0));
  blocking = 1;
}

static void cancelled_address_cb(uv_getaddrinfo_t* req, int status,
                                 struct addrinfo* list) {
  (void) req;
  ASSERT_EQ(status, UV_EAI_CANCELED);
  ASSERT_NULL(list);
  done++;
}

static void cancelled_name_cb(uv_getnameinfo_t* req, int status,
                              const char* host, const char* service) {
  (void) req;
  ASSERT_EQ(status, UV_EAI_CANCELED);
  ASSERT_NULL(host);
  ASSERT_NULL(service);
  done++;
}

TEST(dns_cancel) {
  uv_getaddrinfo_t running, waiting;
  uv_getnameinfo_t name;
  struct sockaddr_in addr;

  block_look_ups("1");
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 80, &addr));
  ASSERT_OK(
      uv_getaddrinfo(&loop, &running, address_cb, "127.0.0.1", "80", NULL));
  uv_sem_wait(&began);
  ASSERT_OK(uv_getaddrinfo(&loop, &waiting, cancelled_address_cb, "127.0.0.1",
                           NULL, NULL));
  ASSERT_OK(uv_getnameinfo(&loop, &name, cancelled_name_cb,
                           (struct sockaddr*) &addr, 0));
  ASSERT_EQ(uv_cancel((uv_req_t*) &running), UV_EBUSY);
  ASSERT_OK(uv_cancel((uv_req_t*) &waiting));
  ASSERT_OK(uv_cancel((uv_req_t*) &name));
  ASSERT_EQ(done, 0);
  uv_sem_post(&go_on);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 3);
  CLOSE_LOOP(&loop);
}

static void stat_cb(uv_fs_t* req) {
  ASSERT_OK(req->result);
  uv_fs_req_cleanup(req);
  *(int*) req->data += 1;
}

TEST(dns_look_ups_leave_threads_to_files) {
  uv_getaddrinfo_t addresses[4];
  uv_getnameinfo_t name;
  struct sockaddr_in6 addr;
  uv_fs_t file;
  int files = 0, i;

  block_look_ups("2");
  ASSERT_OK(uv_ip6_addr("::1", 8080, &addr));
  for (i = 0; i < 4; i++)
    ASSERT_OK(uv_getaddrinfo(&loop, &addresses[i], address_cb, "127.0.0.1",
                             "80", NULL));
  ASSERT_OK(
      uv_getnameinfo(&loop, &name, name_cb, (struct sockaddr*) &addr, 0));
  uv_sem_wait(&began);
  /* One look-up blocks one of the two threads, the others wait for it. */
  for (i = 1; i <= 10; i++) {
    file.data = &files;
    ASSERT_OK(uv_fs_stat(&loop, &file, "/", stat_cb));
    RUN_UNTIL(&loop, files == i);
  }
  ASSERT_EQ(done, 0);
  ASSERT_EQ(uv_sem_trywait(&began), UV_EAGAIN);
  for (i = 0; i < 5; i++) uv_sem_post(&go_on);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 5);
  CLOSE_LOOP(&loop);
}
