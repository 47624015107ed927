/* Options of UDP sockets, and multicast on the loopback interface. */
#include <net/if.h>
#include <unistd.h>

#include "test-udp.h"

static uv_loop_t loop;

static void bind_any6(uv_udp_t* udp) {
  struct sockaddr_in6 addr;
  ASSERT_OK(uv_ip6_addr("::", 0, &addr));
  ASSERT_OK(uv_udp_init(&loop, udp));
  ASSERT_OK(uv_udp_bind(udp, SA(&addr), 0));
}

TEST(udp_options_need_a_socket) {
  uv_udp_t udp;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_EQ(uv_udp_set_ttl(&udp, 1), UV_EBADF);
  ASSERT_EQ(uv_udp_set_broadcast(&udp, 1), UV_EBADF);
  ASSERT_EQ(uv_udp_set_multicast_ttl(&udp, 1), UV_EBADF);
  ASSERT_EQ(uv_udp_set_multicast_loop(&udp, 1), UV_EBADF);
  ASSERT_EQ(uv_udp_set_multicast_interface(&udp, NULL), UV_EBADF);
  ASSERT_EQ(uv_udp_set_multicast_interface(&udp, "127.0.0.1"), UV_EBADF);
  /* Invalid arguments are reported first. */
  ASSERT_EQ(uv_udp_set_ttl(&udp, 0), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_multicast_ttl(&udp, 256), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_multicast_interface(&udp, "nonsense"), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(udp_ttl) {
  static const int bad[] = {-1, 0, 256, 1 << 16};
  uv_udp_t udp, udp6;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  bind_any6(&udp6);
  for (i = 0; i < COUNT(bad); i++) {
    ASSERT_EQ(uv_udp_set_ttl(&udp, bad[i]), UV_EINVAL);
    ASSERT_EQ(uv_udp_set_ttl(&udp6, bad[i]), UV_EINVAL);
  }
  ASSERT_OK(uv_udp_set_ttl(&udp, 1));
  ASSERT_EQ(int_option(fd_of(&udp), IPPROTO_IP, IP_TTL), 1);
  ASSERT_OK(uv_udp_set_ttl(&udp, 255));
  ASSERT_EQ(int_option(fd_of(&udp), IPPROTO_IP, IP_TTL), 255);
  ASSERT_OK(uv_udp_set_ttl(&udp6, 17));
  ASSERT_EQ(int_option(fd_of(&udp6), IPPROTO_IPV6, IPV6_UNICAST_HOPS), 17);
  CLOSE_LOOP(&loop);
}

TEST(udp_broadcast) {
  uv_udp_t udp;
  ASSERT_OK(uv_loop_init(&loop));
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  ASSERT_OK(uv_udp_set_broadcast(&udp, 1));
  ASSERT_EQ(int_option(fd_of(&udp), SOL_SOCKET, SO_BROADCAST), 1);
  ASSERT_OK(uv_udp_set_broadcast(&udp, 0));
  ASSERT_EQ(int_option(fd_of(&udp), SOL_SOCKET, SO_BROADCAST), 0);
  CLOSE_LOOP(&loop);
}

TEST(udp_broadcast_needs_permission) {
  struct sockaddr_in addr;
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_udp_t udp;
  ASSERT_OK(uv_loop_init(&loop));
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  /* The broadcast address of the loopback network. */
  ASSERT_OK(uv_ip4_addr("127.255.255.255", 9, &addr));
  ASSERT_EQ(uv_udp_try_send(&udp, &buf, 1, SA(&addr)), UV_EACCES);
  ASSERT_OK(uv_udp_set_broadcast(&udp, 1));
  ASSERT_EQ(uv_udp_try_send(&udp, &buf, 1, SA(&addr)), 1);
  CLOSE_LOOP(&loop);
}

TEST(udp_multicast_numbers) {
  uv_udp_t udp, udp6;
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  bind_any6(&udp6);
  for (i = 0; i <= 255; i += 51) {
    ASSERT_OK(uv_udp_set_multicast_ttl(&udp, i));
    ASSERT_EQ(int_option(fd_of(&udp), IPPROTO_IP, IP_MULTICAST_TTL), i);
    ASSERT_OK(uv_udp_set_multicast_ttl(&udp6, i));
    ASSERT_EQ(int_option(fd_of(&udp6), IPPROTO_IPV6, IPV6_MULTICAST_HOPS), i);
  }
  ASSERT_EQ(uv_udp_set_multicast_ttl(&udp, 256), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_multicast_ttl(&udp, -1), UV_EINVAL);
  for (i = 1; i >= 0; i--) {
    ASSERT_OK(uv_udp_set_multicast_loop(&udp, i));
    ASSERT_EQ(int_option(fd_of(&udp), IPPROTO_IP, IP_MULTICAST_LOOP), i);
    ASSERT_OK(uv_udp_set_multicast_loop(&udp6, i));
    ASSERT_EQ(int_option(fd_of(&udp6), IPPROTO_IPV6, IPV6_MULTICAST_LOOP), i);
  }
  ASSERT_EQ(uv_udp_set_multicast_loop(&udp, 256), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_multicast_loop(&udp, -1), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(udp_multicast_interfaces) {
  struct in_addr chosen;
  socklen_t len = sizeof(chosen);
  uv_udp_t udp, udp6;
  ASSERT_OK(uv_loop_init(&loop));
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  bind_any6(&udp6);
  ASSERT_OK(uv_udp_set_multicast_interface(&udp, "127.0.0.1"));
  ASSERT_OK(getsockopt(fd_of(&udp), IPPROTO_IP, IP_MULTICAST_IF, &chosen,
                       &len));
  ASSERT_EQ(chosen.s_addr, htonl(INADDR_LOOPBACK));
  ASSERT_OK(uv_udp_set_multicast_interface(&udp, NULL));
  ASSERT_OK(getsockopt(fd_of(&udp), IPPROTO_IP, IP_MULTICAST_IF, &chosen,
                       &len));
  ASSERT_EQ(chosen.s_addr, htonl(INADDR_ANY));
  ASSERT_EQ(uv_udp_set_multicast_interface(&udp, "192.0.2.1"),
            UV_EADDRNOTAVAIL);
  ASSERT_EQ(uv_udp_set_multicast_interface(&udp, "nonsense"), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_multicast_interface(&udp, ""), UV_EINVAL);
  ASSERT_OK(uv_udp_set_multicast_interface(&udp6, "::1%lo"));
  ASSERT_EQ(int_option(fd_of(&udp6), IPPROTO_IPV6, IPV6_MULTICAST_IF),
            if_nametoindex("lo"));
  ASSERT_OK(uv_udp_set_multicast_interface(&udp6, NULL));
  ASSERT_EQ(int_option(fd_of(&udp6), IPPROTO_IPV6, IPV6_MULTICAST_IF), 0);
  CLOSE_LOOP(&loop);
}

TEST(udp_membership_arguments) {
  uv_udp_t udp;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_EQ(uv_udp_set_membership(&udp, "nonsense", NULL, UV_JOIN_GROUP),
            UV_EINVAL);
  /* It makes a socket that shares its address. */
  ASSERT_OK(uv_udp_set_membership(&udp, "239.255.0.1", "127.0.0.1",
                                  UV_JOIN_GROUP));
  ASSERT_EQ(int_option(fd_of(&udp), SOL_SOCKET, SO_REUSEADDR), 1);
  ASSERT_EQ(uv_udp_set_membership(&udp, "239.255.0.1", "127.0.0.1",
                                  UV_JOIN_GROUP), UV_EADDRINUSE);
  ASSERT_OK(uv_udp_set_membership(&udp, "239.255.0.1", "127.0.0.1",
                                  UV_LEAVE_GROUP));
  ASSERT_EQ(uv_udp_set_membership(&udp, "239.255.0.1", "127.0.0.1",
                                  UV_LEAVE_GROUP), UV_EADDRNOTAVAIL);
  ASSERT_EQ(uv_udp_set_membership(&udp, "239.255.0.1", "nonsense",
                                  UV_JOIN_GROUP), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_membership(&udp, "239.255.0.1", "::1",
                                  UV_JOIN_GROUP), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_membership(&udp, "127.0.0.1", "127.0.0.1",
                                  UV_JOIN_GROUP), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_membership(&udp, "239.255.0.1", "127.0.0.1", 7),
            UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(udp_membership_ipv6) {
  uv_udp_t udp;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_set_membership(&udp, "ff02::99", "::1%lo", UV_JOIN_GROUP));
  ASSERT_EQ(int_option(fd_of(&udp), SOL_SOCKET, SO_DOMAIN), AF_INET6);
  ASSERT_EQ(uv_udp_set_membership(&udp, "ff02::99", "::1%lo", UV_JOIN_GROUP),
            UV_EADDRINUSE);
  ASSERT_OK(uv_udp_set_membership(&udp, "ff02::99", "::1%lo",
                                  UV_LEAVE_GROUP));
  ASSERT_EQ(uv_udp_set_membership(&udp, "ff02::99", "::1%lo",
                                  UV_LEAVE_GROUP), UV_EADDRNOTAVAIL);
  ASSERT_EQ(uv_udp_set_membership(&udp, "ff02::99", "127.0.0.1",
                                  UV_JOIN_GROUP), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_membership(&udp, "ff02::99", "::1%lo", 7), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(udp_source_membership_arguments) {
  static const char group[] = "239.255.0.2", lo[] = "127.0.0.1";
  uv_udp_t udp, udp6;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_EQ(uv_udp_set_source_membership(&udp, "nonsense", lo, lo,
                                         UV_JOIN_GROUP), UV_EINVAL);
  ASSERT_OK(uv_udp_set_source_membership(&udp, group, lo, lo, UV_JOIN_GROUP));
  ASSERT_EQ(uv_udp_set_source_membership(&udp, group, lo, "::1",
                                         UV_JOIN_GROUP), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_source_membership(&udp, group, lo, "nonsense",
                                         UV_JOIN_GROUP), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_source_membership(&udp, group, "nonsense", lo,
                                         UV_JOIN_GROUP), UV_EINVAL);
  ASSERT_EQ(uv_udp_set_source_membership(&udp, group, lo, lo, 7), UV_EINVAL);
  ASSERT_OK(uv_udp_set_source_membership(&udp, group, lo, lo,
                                         UV_LEAVE_GROUP));
  ASSERT_EQ(uv_udp_set_source_membership(&udp, group, lo, lo,
                                         UV_LEAVE_GROUP), UV_EINVAL);
  bind_any6(&udp6);
  ASSERT_OK(uv_udp_set_source_membership(&udp6, "ff3e::99", "::1%lo", "::1",
                                         UV_JOIN_GROUP));
  ASSERT_OK(uv_udp_set_source_membership(&udp6, "ff3e::99", "::1%lo", "::1",
                                         UV_LEAVE_GROUP));
  ASSERT_EQ(uv_udp_set_source_membership(&udp6, "ff3e::99", "::1%lo", lo,
                                         UV_JOIN_GROUP), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

/* A member of the group receives its datagrams until it leaves. The group's address
 * contains the process id: a socket bound to the wildcard address also receives
 * datagrams for a group that only another process has joined, and this test may run
 * on the other library at the same time. */
TEST(udp_multicast_on_loopback) {
  static const char lo[] = "127.0.0.1";
  unsigned pid = (unsigned) getpid(); /* below 2^22 */
  char group[24];
  struct sockaddr_in any, to;
  uv_buf_t buf = uv_buf_init("all", 3);
  uv_udp_t member, sender;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_ip4_addr("0.0.0.0", 0, &any));
  snprintf(group, sizeof(group), "239.%u.%u.%u", 64 + (pid >> 16),
           (pid >> 8) & 255, pid & 255);
  ASSERT_OK(uv_udp_init(&loop, &member));
  ASSERT_OK(uv_udp_bind(&member, SA(&any), 0));
  ASSERT_OK(uv_udp_set_membership(&member, group, lo, UV_JOIN_GROUP));
  ASSERT_OK(uv_udp_recv_start(&member, alloc_slab, record_recv));
  ASSERT_OK(uv_ip4_addr(group, udp_port(&member), &to));
  udp_bound(&loop, &sender, AF_UNSPEC, 0);
  ASSERT_OK(uv_udp_set_multicast_interface(&sender, lo));
  ASSERT_EQ(uv_udp_try_send(&sender, &buf, 1, SA(&to)), 3);
  RUN_UNTIL(&loop, datagrams == 1);
  ASSERT_STR_EQ(receipts[0].text, "all");
  ASSERT_EQ(receipts[0].port, udp_port(&sender));
  ASSERT_OK(uv_udp_set_membership(&member, group, lo, UV_LEAVE_GROUP));
  ASSERT_EQ(uv_udp_try_send(&sender, &buf, 1, SA(&to)), 3);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(datagrams, 1);
  CLOSE_LOOP(&loop);
}

/* A member for one source does not hear others. */
TEST(udp_source_multicast_on_loopback) {
  static const char group[] = "239.255.0.4", lo[] = "127.0.0.1";
  struct sockaddr_in any, to, other;
  uv_buf_t buf = uv_buf_init("one", 3), wrong = uv_buf_init("two", 3);
  uv_udp_t member, sender, stranger;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_ip4_addr("0.0.0.0", 0, &any));
  ASSERT_OK(uv_ip4_addr("127.0.0.2", 0, &other));
  ASSERT_OK(uv_udp_init(&loop, &member));
  ASSERT_OK(uv_udp_bind(&member, SA(&any), 0));
  ASSERT_OK(uv_udp_set_source_membership(&member, group, lo, lo,
                                         UV_JOIN_GROUP));
  ASSERT_OK(uv_udp_recv_start(&member, alloc_slab, record_recv));
  ASSERT_OK(uv_ip4_addr(group, udp_port(&member), &to));
  ASSERT_OK(uv_udp_init(&loop, &stranger));
  ASSERT_OK(uv_udp_bind(&stranger, SA(&other), 0));
  ASSERT_OK(uv_udp_set_multicast_interface(&stranger, lo));
  ASSERT_EQ(uv_udp_try_send(&stranger, &wrong, 1, SA(&to)), 3);
  udp_bound(&loop, &sender, AF_UNSPEC, 0);
  ASSERT_OK(uv_udp_set_multicast_interface(&sender, lo));
  ASSERT_EQ(uv_udp_try_send(&sender, &buf, 1, SA(&to)), 3);
  RUN_UNTIL(&loop, datagrams == 1);
  ASSERT_STR_EQ(receipts[0].text, "one");
  CLOSE_LOOP(&loop);
}
