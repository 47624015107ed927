/* Network interfaces. */

#include "test-os.h"

#include <net/if.h>

static unsigned loopback;

static int index_to_name(char* buffer, size_t* size) {
  return uv_if_indextoname(loopback, buffer, size);
}

static int index_to_iid(char* buffer, size_t* size) {
  return uv_if_indextoiid(loopback, buffer, size);
}

TEST(os_if_indextoname) {
  char buffer[UV_IF_NAMESIZE];
  size_t size = sizeof(buffer);

  loopback = if_nametoindex("lo");
  if (loopback == 0) SKIP("there is no interface called lo");
  os_check_text(index_to_name, "lo");
  os_check_text(index_to_iid, "lo");
  ASSERT_EQ(uv_if_indextoname(0, buffer, &size), UV_ENXIO);
  ASSERT_EQ(uv_if_indextoname(99999, buffer, &size), UV_ENXIO);
  ASSERT_EQ(uv_if_indextoiid(99999, buffer, &size), UV_ENXIO);
  ASSERT_EQ(size, sizeof(buffer));
}

TEST(os_interface_addresses_of_loopback) {
  uv_interface_address_t* list;
  const char none[6] = {0};
  int count, i, found = 0;

  ASSERT_OK(uv_interface_addresses(&list, &count));
  for (i = 0; i < count; i++) {
    char text[64];
    int family = list[i].address.address4.sin_family;
    ASSERT(family == AF_INET || family == AF_INET6);
    ASSERT_EQ(list[i].netmask.netmask4.sin_family, family);
    ASSERT_GT(strlen(list[i].name), 0);
    ASSERT_OK(uv_ip_name((struct sockaddr*) &list[i].address, text,
                         sizeof(text)));
    if (strcmp(text, "127.0.0.1") != 0) continue;
    found++;
    ASSERT(list[i].is_internal);
    ASSERT_MEM_EQ(list[i].phys_addr, none, 6);
    ASSERT_OK(uv_ip4_name(&list[i].netmask.netmask4, text, sizeof(text)));
    ASSERT_STR_EQ(text, "255.0.0.0");
  }
  uv_free_interface_addresses(list, count);
  uv_free_interface_addresses(NULL, 0);
  if (found == 0) SKIP("the loopback interface is not up");
  ASSERT_EQ(found, 1);
}
