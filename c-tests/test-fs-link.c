/* rename, link, symlink, readlink, realpath. */
#include "test-fs.h"

FS_TEST(fs_rename) {
  const char* from = fs_make("from", "new", 3);
  const char* to = test_path("to");
  ASSERT_EQ(FS(rename, from, to), 0);
  ASSERT_STR_EQ(fs_req.path, from);
  fs_clean();
  ASSERT(!fs_exists(from));
  fs_assert_file(to, "new", 3);
  FS_IS(UV_ENOENT, rename, from, to);

  fs_make("from", "newer", 5);
  FS_OK(rename, from, to);
  fs_assert_file(to, "newer", 5);
  FS_OK(rename, to, to);
  fs_assert_file(to, "newer", 5);
}

FS_TEST(fs_rename_directories) {
  const char* dir = test_path("dir");
  const char* full = test_path("full");
  const char* file = fs_make("file", "", 0);
  ASSERT_OK(mkdir(dir, 0777));
  ASSERT_OK(mkdir(full, 0777));
  fs_make("full/file", "", 0);
  FS_IS(UV_ENOTEMPTY, rename, dir, full);
  FS_IS(UV_EISDIR, rename, file, dir);
  FS_IS(UV_ENOTDIR, rename, dir, file);
  FS_IS(UV_EINVAL, rename, dir, test_path("dir/below"));
  FS_OK(rename, full, dir);
  ASSERT(fs_exists(test_path("dir/file")));
}

FS_TEST(fs_rename_across_devices) {
  const char* file = fs_make("file", "", 0);
  struct stat here;
  struct stat there;
  ASSERT_OK(stat(file, &here));
  if (stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev)
    SKIP("needs a second file system");
  FS_IS(UV_EXDEV, rename, file, "/dev/shm/oxuv-rename");
  FS_IS(UV_EXDEV, link, file, "/dev/shm/oxuv-rename");
}

FS_TEST(fs_link) {
  const char* file = fs_make("file", "data", 4);
  const char* second = test_path("second");
  struct stat st;
  ASSERT_EQ(FS(link, file, second), 0);
  ASSERT_STR_EQ(fs_req.path, file);
  fs_clean();
  ASSERT_OK(stat(file, &st));
  ASSERT_EQ(st.st_nlink, 2);
  fs_assert_file(second, "data", 4);
  FS_IS(UV_EEXIST, link, file, second);
  FS_IS(UV_ENOENT, link, test_path("missing"), test_path("third"));
  FS_IS(UV_EPERM, link, test_path("."), test_path("dir"));
}

FS_TEST(fs_symlink_readlink) {
  static const char* targets[] = {"file", "/", "no/such/file", ".", "a b\xff"};
  const char* link = test_path("link");
  size_t i;
  for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
    ASSERT_EQ(FS(symlink, targets[i], link, 0), 0);
    ASSERT_STR_EQ(fs_req.path, targets[i]);
    fs_clean();
    FS_IS(UV_EEXIST, symlink, "other", link, 0);
    ASSERT_EQ(FS(readlink, link), 0);
    ASSERT_STR_EQ(fs_req.ptr, targets[i]);
    ASSERT_STR_EQ(uv_fs_get_ptr(&fs_req), targets[i]);
    ASSERT_STR_EQ(fs_req.path, link);
    fs_clean();
    ASSERT_OK(unlink(link));
  }
  /* The flags mean something on Windows only. */
  FS_OK(symlink, "dir", link, UV_FS_SYMLINK_DIR | UV_FS_SYMLINK_JUNCTION);
  FS_IS(UV_ENOENT, symlink, "", test_path("empty"), 0);
}

FS_TEST(fs_readlink_longest) {
  char target[PATH_MAX];
  const char* link = test_path("link");
  memset(target, 't', sizeof(target));
  target[PATH_MAX - 1] = '\0';
  ASSERT_EQ(FS(symlink, target, link, 0), 0);
  fs_clean();
  ASSERT_EQ(FS(readlink, link), 0);
  ASSERT_STR_EQ(fs_req.ptr, target);
  fs_clean();
}

FS_TEST(fs_readlink_errors) {
  ASSERT_EQ(FS(readlink, fs_make("file", "", 0)), UV_EINVAL);
  ASSERT_NULL(fs_req.ptr);
  fs_clean();
  ASSERT_EQ(FS(readlink, test_path("missing")), UV_ENOENT);
  ASSERT_NULL(fs_req.ptr);
  fs_clean();
}

FS_TEST(fs_realpath) {
  char root[PATH_MAX];
  char want[PATH_MAX + 16];
  const char* paths[] = {
      "dir/file",     "./dir/file",        "dir/../dir//file", "link",
      "link-to-link", "dir/./.././link", "dirlink/file",
  };
  size_t i;
  ASSERT_OK(mkdir(test_path("dir"), 0777));
  fs_make("dir/file", "", 0);
  ASSERT_OK(symlink("dir/file", test_path("link")));
  ASSERT_OK(symlink("link", test_path("link-to-link")));
  ASSERT_OK(symlink(test_path("dir"), test_path("dirlink")));
  ASSERT_OK(symlink("missing", test_path("dangling")));
  ASSERT_NOT_NULL(realpath(test_path("."), root));
  snprintf(want, sizeof(want), "%s/dir/file", root);

  for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    ASSERT_EQ(FS(realpath, test_path(paths[i])), 0);
    ASSERT_STR_EQ(fs_req.ptr, want);
    fs_clean();
  }
  ASSERT_OK(chdir(root));
  for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    ASSERT_EQ(FS(realpath, paths[i]), 0);
    ASSERT_STR_EQ(fs_req.ptr, want);
    fs_clean();
  }
  ASSERT_EQ(FS(realpath, "/../.."), 0);
  ASSERT_STR_EQ(fs_req.ptr, "/");
  fs_clean();
  ASSERT_EQ(FS(realpath, "dangling"), UV_ENOENT);
  ASSERT_NULL(fs_req.ptr);
  fs_clean();
  FS_IS(UV_ENOTDIR, realpath, "dir/file/");
}

/* A path that no buffer of PATH_MAX bytes holds. */
FS_TEST(fs_realpath_deeper_than_path_max) {
  enum { LENGTH = 250, DEPTH = 20 };
  char name[LENGTH + 1];
  int i;
  memset(name, 'a', LENGTH);
  name[LENGTH] = '\0';
  ASSERT_OK(chdir(test_path(".")));
  for (i = 0; i < DEPTH; i++) {
    ASSERT_OK(mkdir(name, 0777));
    ASSERT_OK(chdir(name));
  }
  /* The C library may refuse it. */
  if (FS(realpath, ".") != UV_ENAMETOOLONG) {
    size_t length;
    ASSERT_EQ(fs_req.result, 0);
    length = strlen(fs_req.ptr);
    ASSERT_GT(length, DEPTH * LENGTH);
    ASSERT_STR_EQ((const char*) fs_req.ptr + length - LENGTH, name);
  } else {
    ASSERT_NULL(fs_req.ptr);
  }
  fs_clean();
}
