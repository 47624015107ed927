/* Users and groups. */

#include "test-os.h"

#include <grp.h>
#include <pwd.h>

TEST(os_passwd_of_this_user) {
  struct passwd* entry = getpwuid(geteuid());
  uv_passwd_t user, same;

  if (entry == NULL) SKIP("this user is not in the user database");
  ASSERT_OK(uv_os_get_passwd(&user));
  ASSERT_STR_EQ(user.username, entry->pw_name);
  ASSERT_STR_EQ(user.homedir, entry->pw_dir);
  ASSERT_STR_EQ(user.shell, entry->pw_shell);
  ASSERT_EQ(user.uid, entry->pw_uid);
  ASSERT_EQ(user.gid, entry->pw_gid);

  ASSERT_OK(uv_os_get_passwd2(&same, geteuid()));
  ASSERT_STR_EQ(same.username, user.username);
  uv_os_free_passwd(&same);
  uv_os_free_passwd(&user);
}

TEST(os_passwd_of_every_user) {
  struct passwd* entry;
  int count = 0;

  setpwent();
  while ((entry = getpwent()) != NULL && count++ < 100) {
    uv_passwd_t user;
    uid_t uid = entry->pw_uid;
    ASSERT_OK(uv_os_get_passwd2(&user, uid));
    ASSERT_EQ(user.uid, uid);
    uv_os_free_passwd(&user);
  }
  endpwent();
  ASSERT_GT(count, 0);
}

TEST(os_passwd_free) {
  uv_passwd_t user;

  ASSERT_OK(uv_os_get_passwd2(&user, 0));
  uv_os_free_passwd(&user);
  ASSERT_NULL(user.username);
  ASSERT_NULL(user.homedir);
  ASSERT_NULL(user.shell);
  uv_os_free_passwd(&user);
  uv_os_free_passwd(NULL);
}

TEST(os_passwd_errors) {
  uv_passwd_t user;

  ASSERT_EQ(uv_os_get_passwd(NULL), UV_EINVAL);
  ASSERT_EQ(uv_os_get_passwd2(NULL, 0), UV_EINVAL);
  ASSERT_EQ(uv_os_get_passwd2(&user, 987654), UV_ENOENT);
  ASSERT_EQ(uv_os_get_passwd2(&user, (uv_uid_t) -1), UV_ENOENT);
}

TEST(os_group_with_its_members) {
  struct group* entry;
  int members = 0;

  setgrent();
  while ((entry = getgrent()) != NULL) {
    uv_group_t group;
    int i;
    ASSERT_OK(uv_os_get_group(&group, entry->gr_gid));
    ASSERT_STR_EQ(group.groupname, entry->gr_name);
    ASSERT_EQ(group.gid, entry->gr_gid);
    for (i = 0; entry->gr_mem[i] != NULL; i++)
      ASSERT_STR_EQ(group.members[i], entry->gr_mem[i]);
    ASSERT_NULL(group.members[i]);
    members += i;
    uv_os_free_group(&group);
    ASSERT_NULL(group.groupname);
    ASSERT_NULL(group.members);
    uv_os_free_group(&group);
  }
  endgrent();
  uv_os_free_group(NULL);
  printf("%d members in all\n", members);
}

TEST(os_group_errors) {
  uv_group_t group;

  ASSERT_EQ(uv_os_get_group(NULL, 0), UV_EINVAL);
  ASSERT_EQ(uv_os_get_group(&group, 987654), UV_ENOENT);
}
