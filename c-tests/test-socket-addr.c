/* Addresses as text: uv_ip4_addr and its relatives. */
#include <net/if.h>

#include "test-tcp.h"

TEST(tcp_addr_ipv4) {
  static const char* const bad[] = {
      "", "1", "1.2.3", "1.2.3.4.5", "256.0.0.0", "1.2.3.4.", ".1.2.3.4",
      "1..3.4", "01.2.3.4", "1.2.3.04", "0x1.2.3.4", " 1.2.3.4", "1.2.3.4 ",
      "-1.2.3.4", "+1.2.3.4", "1.2.3.4%lo", "1.2.3.*", "::1"};
  struct sockaddr_in addr;
  unsigned char bytes[4] = {9, 9, 9, 9};
  size_t i;
  memset(&addr, 0xaa, sizeof(addr));
  ASSERT_OK(uv_ip4_addr("1.2.3.4", 0x1234, &addr));
  ASSERT_EQ(addr.sin_family, AF_INET);
  ASSERT_MEM_EQ(&addr.sin_port, "\x12\x34", 2);
  ASSERT_MEM_EQ(&addr.sin_addr, "\1\2\3\4", 4);
  ASSERT_MEM_EQ(addr.sin_zero, "\0\0\0\0\0\0\0\0", 8);
  for (i = 0; i < COUNT(bad); i++) {
    /* All but the address is filled in all the same. */
    memset(&addr, 0xaa, sizeof(addr));
    ASSERT_EQ(uv_ip4_addr(bad[i], 1, &addr), UV_EINVAL);
    ASSERT_EQ(addr.sin_family, AF_INET);
    ASSERT_EQ(addr.sin_port, htons(1));
    ASSERT_EQ(addr.sin_addr.s_addr, 0);
    ASSERT_EQ(uv_inet_pton(AF_INET, bad[i], bytes), UV_EINVAL);
    ASSERT_MEM_EQ(bytes, "\t\t\t\t", 4);
  }
}

TEST(tcp_addr_ports) {
  struct sockaddr_in addr4;
  struct sockaddr_in6 addr6;
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 65535, &addr4));
  ASSERT_EQ(ntohs(addr4.sin_port), 65535);
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 70000, &addr4));
  ASSERT_EQ(ntohs(addr4.sin_port), 70000 - 65536);
  ASSERT_OK(uv_ip6_addr("::1", -1, &addr6));
  ASSERT_EQ(ntohs(addr6.sin6_port), 65535);
}

TEST(tcp_addr_ipv6) {
  static const struct { const char* text; unsigned char bytes[16]; } good[] = {
      {"::", {0}},
      {"::A", {[15] = 10}},
      {"1::", {0, 1}},
      {"fe80::1", {0xfe, 0x80, [15] = 1}},
      {"1:2:3:4:5:6:7:8", {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8}},
      {"1:2:3:4:5:6:7::", {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7}},
      {"::ffff:1.2.3.4", {[10] = 0xff, 0xff, 1, 2, 3, 4}},
      {"::1%", {[15] = 1}},
      {"::1%x:1.2.3.4%y", {[15] = 1}},
      {"1111:1111:1111:1111:1111:1111:17.17.17.17%no-such-interface-here",
       {17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17}}};
  static const char* const bad[] = {
      "", ":", ":1", "1:", ":::", "::1:", "1::8:9::", "12345::", "00001::",
      "g::", "%", "%lo", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:1.2.3.4",
      "1:2:3:4::5:6:7:8", "::1.2.3", "::01.2.3.4", "::1.2.3.4:5", "1.2.3.4",
      "[::1]", "::1 ", "::00000000000000000000000000000000000000000000000001",
      "::00000000000000000000000000000000000000000000000000000000000001%lo"};
  struct sockaddr_in6 addr;
  unsigned char bytes[16];
  size_t i;
  for (i = 0; i < COUNT(good); i++) {
    memset(&addr, 0xaa, sizeof(addr));
    ASSERT_OK(uv_ip6_addr(good[i].text, 80, &addr));
    ASSERT_EQ(addr.sin6_family, AF_INET6);
    ASSERT_EQ(addr.sin6_port, htons(80));
    ASSERT_EQ(addr.sin6_flowinfo, 0);
    ASSERT_EQ(addr.sin6_scope_id, 0);
    ASSERT_MEM_EQ(&addr.sin6_addr, good[i].bytes, 16);
    ASSERT_OK(uv_inet_pton(AF_INET6, good[i].text, bytes));
    ASSERT_MEM_EQ(bytes, good[i].bytes, 16);
  }
  memset(bytes, 9, sizeof(bytes));
  for (i = 0; i < COUNT(bad); i++) {
    ASSERT_EQ(uv_ip6_addr(bad[i], 80, &addr), UV_EINVAL);
    ASSERT_EQ(addr.sin6_family, AF_INET6);
    ASSERT_EQ(uv_inet_pton(AF_INET6, bad[i], bytes), UV_EINVAL);
    ASSERT_EQ(bytes[0], 9);
    ASSERT_EQ(bytes[15], 9);
  }
}

/* The zone is an interface name; a number or an unknown name gives 0. */
TEST(tcp_addr_scope_id) {
  struct sockaddr_in6 addr;
  char name[IF_NAMESIZE];
  char text[64];
  unsigned index = if_nametoindex("lo");
  if (index == 0) SKIP("no interface lo");
  ASSERT_OK(uv_ip6_addr("fe80::1%lo", 0, &addr));
  ASSERT_EQ(addr.sin6_scope_id, index);
  ASSERT_STR_EQ(if_indextoname(addr.sin6_scope_id, name), "lo");
  ASSERT_OK(uv_ip6_addr("fe80::1%1", 0, &addr));
  ASSERT_EQ(addr.sin6_scope_id, 0);
  ASSERT_OK(uv_ip6_addr("fe80::1%lo%lo", 0, &addr));
  ASSERT_EQ(addr.sin6_scope_id, 0);
  ASSERT_EQ(uv_ip6_addr("nonsense%lo", 0, &addr), UV_EINVAL);
  ASSERT_EQ(addr.sin6_scope_id, index);
  /* The text of an address has no zone. */
  ASSERT_OK(uv_ip6_addr("fe80::1%lo", 0, &addr));
  ASSERT_OK(uv_ip6_name(&addr, text, sizeof(text)));
  ASSERT_STR_EQ(text, "fe80::1");
}

TEST(tcp_addr_names) {
  static const struct { int family; const char* text; } cases[] = {
      {AF_INET, "0.0.0.0"}, {AF_INET, "192.168.100.200"},
      {AF_INET6, "::"}, {AF_INET6, "::1"}, {AF_INET6, "fe80::aB:0:1"}};
  static const struct { int family; size_t needed; } longest[] = {
      {AF_INET, 16}, {AF_INET6, 40}};
  struct sockaddr_storage addr;
  char text[64];
  char via[64];
  size_t i, size;
  for (i = 0; i < COUNT(cases); i++) {
    if (cases[i].family == AF_INET) {
      struct sockaddr_in* a = (struct sockaddr_in*) &addr;
      ASSERT_OK(uv_ip4_addr(cases[i].text, 1, a));
      ASSERT_OK(uv_ip4_name(a, text, sizeof(text)));
      ASSERT_OK(uv_inet_ntop(AF_INET, &a->sin_addr, via, sizeof(via)));
    } else {
      struct sockaddr_in6* a = (struct sockaddr_in6*) &addr;
      ASSERT_OK(uv_ip6_addr(cases[i].text, 1, a));
      ASSERT_OK(uv_ip6_name(a, text, sizeof(text)));
      ASSERT_OK(uv_inet_ntop(AF_INET6, &a->sin6_addr, via, sizeof(via)));
    }
    ASSERT_EQ(strcasecmp(text, cases[i].text), 0);
    ASSERT_STR_EQ(via, text);
    memset(via, 0, sizeof(via));
    ASSERT_OK(uv_ip_name(SA(&addr), via, strlen(text) + 1));
    ASSERT_STR_EQ(via, text);
    ASSERT_EQ(uv_ip_name(SA(&addr), via, strlen(text)), UV_ENOSPC);
  }
  memset(&addr, 0xff, sizeof(addr));
  for (i = 0; i < COUNT(longest); i++) {
    for (size = 0; size < 48; size++) {
      memset(text, 'z', sizeof(text));
      ASSERT_EQ(uv_inet_ntop(longest[i].family, &addr, text, size),
                size < longest[i].needed ? UV_ENOSPC : 0);
      if (size < longest[i].needed) ASSERT_EQ(text[0], 'z');
      ASSERT_EQ(text[longest[i].needed], 'z');
    }
  }
}

TEST(tcp_addr_other_families) {
  struct sockaddr_storage addr;
  char text[64];
  memset(&addr, 0, sizeof(addr));
  addr.ss_family = AF_UNIX;
  ASSERT_EQ(uv_ip_name(SA(&addr), text, sizeof(text)), UV_EAFNOSUPPORT);
  ASSERT_EQ(uv_inet_ntop(42, &addr, text, sizeof(text)), UV_EAFNOSUPPORT);
  ASSERT_EQ(uv_inet_pton(42, "127.0.0.1", &addr), UV_EAFNOSUPPORT);
  ASSERT_EQ(uv_inet_pton(AF_INET, NULL, &addr), UV_EINVAL);
  ASSERT_EQ(uv_inet_pton(AF_INET6, NULL, &addr), UV_EINVAL);
  /* These two trust their type. */
  ASSERT_OK(uv_ip4_name((struct sockaddr_in*) &addr, text, sizeof(text)));
  ASSERT_STR_EQ(text, "0.0.0.0");
  ASSERT_OK(uv_ip6_name((struct sockaddr_in6*) &addr, text, sizeof(text)));
  ASSERT_STR_EQ(text, "::");
}

/* The C library speaks the same dialect. */
TEST(tcp_addr_agrees_with_libc) {
  static const char alphabet[] = "00123fF::::..";
  unsigned seed = 12345;
  int round, i;
  for (round = 0; round < 100000; round++) {
    unsigned char ours[16], libc[16];
    char text[24], a[64], b[64];
    int length = rand_r(&seed) % (sizeof(text) - 1);
    int family = rand_r(&seed) % 4 == 0 ? AF_INET : AF_INET6;
    for (i = 0; i < length; i++)
      text[i] = alphabet[rand_r(&seed) % (sizeof(alphabet) - 1)];
    text[length] = '\0';
    memset(ours, 0, sizeof(ours));
    memset(libc, 0, sizeof(libc));
    if ((uv_inet_pton(family, text, ours) == 0) !=
        (inet_pton(family, text, libc) == 1))
      test_fail(__FILE__, __LINE__, "they disagree on \"%s\"", text);
    ASSERT_MEM_EQ(ours, libc, 16);

    for (i = 0; i < 16; i++)
      ours[i] = rand_r(&seed) % 3 ? 0 : rand_r(&seed) % 4 ? 1 : rand_r(&seed);
    if (rand_r(&seed) % 4 == 0) {
      memset(ours, 0, 10);
      ours[10] = ours[11] = rand_r(&seed) % 2 ? 0xff : 0;
    }
    ASSERT_OK(uv_inet_ntop(family, ours, a, sizeof(a)));
    ASSERT_NOT_NULL(inet_ntop(family, ours, b, sizeof(b)));
    ASSERT_STR_EQ(a, b);
  }
}

TEST(tcp_buf_init) {
  char memory[3];
  uv_buf_t buf = uv_buf_init(memory, sizeof(memory));
  ASSERT_PTR_EQ(buf.base, memory);
  ASSERT_EQ(buf.len, 3);
  buf = uv_buf_init(NULL, ~0u);
  ASSERT_NULL(buf.base);
  ASSERT_EQ(buf.len, 4294967295);
}
