/* mkdir, rmdir, unlink, mkdtemp, mkstemp, scandir, opendir/readdir/closedir. */
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "test-fs.h"

FS_TEST(fs_mkdir_rmdir) {
  const char* path = test_path("dir");
  struct stat st;
  umask(022);
  ASSERT_EQ(FS(mkdir, path, 0777), 0);
  ASSERT_STR_EQ(fs_req.path, path);
  fs_clean();
  ASSERT_OK(stat(path, &st));
  ASSERT_EQ(st.st_mode, S_IFDIR | 0755);
  FS_IS(UV_EEXIST, mkdir, path, 0777);
  FS_OK(rmdir, path);
  ASSERT(!fs_exists(path));

  umask(0);
  FS_OK(mkdir, path, 01710);
  ASSERT_OK(stat(path, &st));
  ASSERT_EQ(st.st_mode, S_IFDIR | 01710);
  fs_make("dir/file", "", 0);
  FS_IS(UV_ENOTEMPTY, rmdir, path);
  FS_IS(UV_ENOTDIR, rmdir, test_path("dir/file"));
  FS_IS(UV_EEXIST, mkdir, test_path("dir/file"), 0777);
}

FS_TEST(fs_unlink) {
  const char* file = fs_make("file", "x", 1);
  const char* link = test_path("link");
  ASSERT_OK(symlink(file, link));
  ASSERT_OK(mkdir(test_path("dir"), 0777));
  FS_OK(unlink, link);
  ASSERT(fs_exists(file));
  ASSERT_OK(chmod(file, 0400));
  FS_OK(unlink, file);
  ASSERT(!fs_exists(file));
  FS_IS(UV_ENOENT, unlink, file);
  FS_IS(UV_EISDIR, unlink, test_path("dir"));
}

/* --- temporary names --- */

static int is_made_from(const char* path, const char* template) {
  size_t len = strlen(template);
  return strlen(path) == len && memcmp(path, template, len - 6) == 0 &&
         strcmp(path + len - 6, "XXXXXX") != 0;
}

FS_TEST(fs_mkdtemp) {
  char template[PATH_MAX];
  char first[PATH_MAX];
  struct stat st;
  strcpy(template, test_path("dir-XXXXXX"));
  umask(0);
  ASSERT_EQ(FS(mkdtemp, template), 0);
  ASSERT(is_made_from(fs_req.path, template));
  ASSERT_PTR_EQ(uv_fs_get_path(&fs_req), fs_req.path);
  ASSERT_OK(stat(fs_req.path, &st));
  ASSERT_EQ(st.st_mode, S_IFDIR | 0700);
  strcpy(first, fs_req.path);
  fs_clean();
  /* The template itself is the caller's and is not written to. */
  ASSERT_STR_EQ(template, test_path("dir-XXXXXX"));
  ASSERT_EQ(FS(mkdtemp, template), 0);
  ASSERT(strcmp(fs_req.path, first) != 0);
  fs_clean();
}

FS_TEST(fs_mkstemp) {
  char template[PATH_MAX];
  char first[PATH_MAX];
  struct stat st;
  int fd;
  strcpy(template, test_path("file-XXXXXX"));
  fd = FS(mkstemp, template);
  ASSERT_GE(fd, 0);
  ASSERT(is_made_from(fs_req.path, template));
  strcpy(first, fs_req.path);
  fs_clean();
  ASSERT_OK(stat(first, &st));
  ASSERT_EQ(st.st_mode, S_IFREG | 0600);
  ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR);
  ASSERT_EQ(write(fd, "data", 4), 4);
  fs_assert_file(first, "data", 4);
  close(fd);
  ASSERT_STR_EQ(template, test_path("file-XXXXXX"));
  fd = FS(mkstemp, template);
  ASSERT_GE(fd, 0);
  ASSERT(strcmp(fs_req.path, first) != 0);
  fs_clean();
  close(fd);
}

FS_TEST(fs_mkdtemp_mkstemp_errors) {
  static const char* bad[] = {"", "X", "XXXXX", "no-marks", "XXXXXXa"};
  size_t i;
  for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    FS_IS(UV_EINVAL, mkdtemp, bad[i]);
    /* A failed mkstemp leaves no name that could be used. */
    ASSERT_EQ(FS(mkstemp, bad[i]), UV_EINVAL);
    ASSERT_STR_EQ(fs_req.path, "");
    fs_clean();
  }
  FS_IS(UV_ENOENT, mkdtemp, test_path("missing/XXXXXX"));
  ASSERT_EQ(FS(mkstemp, test_path("missing/XXXXXX")), UV_ENOENT);
  ASSERT_STR_EQ(fs_req.path, "");
  fs_clean();
}

/* --- scandir --- */

static const struct {
  const char* name;
  uv_dirent_type_t type;
} zoo[] = {
    /* in the order of their bytes */
    {"-dash", UV_DIRENT_FILE},     {".hidden", UV_DIRENT_FILE},
    {"...", UV_DIRENT_FILE},       {"B", UV_DIRENT_FILE},
    {"Z", UV_DIRENT_DIR},          {"a", UV_DIRENT_FILE},
    {"b", UV_DIRENT_DIR},          {"fifo", UV_DIRENT_FIFO},
    {"link", UV_DIRENT_LINK},      {"socket", UV_DIRENT_SOCKET},
    {"z10", UV_DIRENT_FILE},       {"z9", UV_DIRENT_FILE},
    {"\xc3\xa9", UV_DIRENT_FILE},  {"\xff\xfe", UV_DIRENT_FILE},
};
enum { ZOO = sizeof(zoo) / sizeof(zoo[0]) };

static int zoo_index(const char* name) {
  int i;
  for (i = 0; i < ZOO; i++)
    if (strcmp(zoo[i].name, name) == 0) return i;
  test_fail(__FILE__, __LINE__, "unexpected entry \"%s\"", name);
}

/* Created backwards, so that the order in the result is the library's. */
static const char* make_zoo(void) {
  const char* dir = test_path("zoo");
  char here[PATH_MAX];
  int i;
  ASSERT_OK(mkdir(dir, 0777));
  ASSERT_NOT_NULL(getcwd(here, sizeof(here)));
  ASSERT_OK(chdir(dir));
  for (i = ZOO - 1; i >= 0; i--) {
    const char* name = zoo[i].name;
    switch (zoo[i].type) {
      case UV_DIRENT_DIR:
        ASSERT_OK(mkdir(name, 0777));
        break;
      case UV_DIRENT_FIFO:
        ASSERT_OK(mkfifo(name, 0600));
        break;
      case UV_DIRENT_LINK:
        ASSERT_OK(symlink("a", name));
        break;
      case UV_DIRENT_SOCKET: {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        strcpy(address.sun_path, name);
        ASSERT_OK(bind(fd, (struct sockaddr*) &address, sizeof(address)));
        close(fd);
        break;
      }
      default:
        close(fs_open_plain(name, O_WRONLY | O_CREAT));
    }
  }
  ASSERT_OK(chdir(here));
  return dir;
}

FS_TEST(fs_scandir_sorted_with_types) {
  const char* dir = make_zoo();
  uv_dirent_t entry;
  const char* last = "";
  int seen = 0;
  ASSERT_EQ(FS(scandir, dir, 0), ZOO);
  ASSERT_NOT_NULL(fs_req.ptr);
  ASSERT_STR_EQ(fs_req.path, dir);
  while (uv_fs_scandir_next(&fs_req, &entry) == 0) {
    int i = zoo_index(entry.name);
    ASSERT_EQ(entry.type, zoo[i].type);
    ASSERT_LT(strcmp(seen == 0 ? "" : last, entry.name), 0);
    last = zoo[i].name;
    seen++;
  }
  ASSERT_EQ(seen, ZOO);
  ASSERT_EQ(uv_fs_scandir_next(&fs_req, &entry), UV_EOF);
  ASSERT_EQ(uv_fs_scandir_next(&fs_req, &entry), UV_EOF);
  ASSERT_NULL(fs_req.ptr);
  ASSERT_EQ(fs_req.result, ZOO);
  fs_clean();
}

FS_TEST(fs_scandir_flags_are_ignored) {
  ASSERT_EQ(FS(scandir, make_zoo(), -1), ZOO);
  fs_clean();
}

FS_TEST(fs_scandir_devices) {
  uv_dirent_t entry;
  int characters = 0;
  ASSERT_GT(FS(scandir, "/dev", 0), 0);
  while (uv_fs_scandir_next(&fs_req, &entry) == 0)
    if (strcmp(entry.name, "null") == 0) {
      ASSERT_EQ(entry.type, UV_DIRENT_CHAR);
      characters++;
    }
  ASSERT_EQ(characters, 1);
  fs_clean();
}

FS_TEST(fs_scandir_empty) {
  uv_dirent_t entry;
  ASSERT_OK(mkdir(test_path("empty"), 0777));
  ASSERT_EQ(FS(scandir, test_path("empty"), 0), 0);
  ASSERT_NULL(fs_req.ptr);
  ASSERT_EQ(uv_fs_scandir_next(&fs_req, &entry), UV_EOF);
  fs_clean();
  ASSERT_EQ(uv_fs_scandir_next(&fs_req, &entry), UV_EOF);
}

FS_TEST(fs_scandir_errors) {
  uv_dirent_t entry;
  ASSERT_EQ(FS(scandir, test_path("missing"), 0), UV_ENOENT);
  ASSERT_NULL(fs_req.ptr);
  /* The iterator repeats the error. */
  ASSERT_EQ(uv_fs_scandir_next(&fs_req, &entry), UV_ENOENT);
  fs_clean();
  ASSERT_EQ(FS(scandir, fs_make("file", "", 0), 0), UV_ENOTDIR);
  ASSERT_EQ(uv_fs_scandir_next(&fs_req, &entry), UV_ENOTDIR);
  fs_clean();
}

/* For valgrind: an iteration left early leaks nothing. */
FS_TEST(fs_scandir_not_exhausted) {
  const char* dir = make_zoo();
  uv_dirent_t entry;
  int stop;
  for (stop = 0; stop <= ZOO; stop++) {
    int i;
    ASSERT_EQ(FS(scandir, dir, 0), ZOO);
    for (i = 0; i < stop; i++) {
      ASSERT_OK(uv_fs_scandir_next(&fs_req, &entry));
      zoo_index(entry.name);
    }
    fs_clean();
  }
}

FS_TEST(fs_scandir_many_entries) {
  enum { COUNT = 3000 };
  const char* dir = test_path("many");
  uv_dirent_t entry;
  char name[64];
  int i;
  ASSERT_OK(mkdir(dir, 0777));
  for (i = 0; i < COUNT; i++) {
    snprintf(name, sizeof(name), "many/entry-with-quite-a-long-name-%05d",
             i * 7 % COUNT);
    close(fs_open_plain(test_path(name), O_WRONLY | O_CREAT));
  }
  ASSERT_EQ(FS(scandir, dir, 0), COUNT);
  for (i = 0; i < COUNT; i++) {
    snprintf(name, sizeof(name), "entry-with-quite-a-long-name-%05d", i);
    ASSERT_OK(uv_fs_scandir_next(&fs_req, &entry));
    ASSERT_STR_EQ(entry.name, name);
    ASSERT_EQ(entry.type, UV_DIRENT_FILE);
  }
  ASSERT_EQ(uv_fs_scandir_next(&fs_req, &entry), UV_EOF);
  fs_clean();
}

/* --- opendir, readdir, closedir --- */

static uv_dir_t* open_dir(const char* path) {
  uv_dir_t* dir;
  ASSERT_EQ(FS(opendir, path), 0);
  ASSERT_NOT_NULL(fs_req.ptr);
  ASSERT_STR_EQ(fs_req.path, path);
  dir = fs_req.ptr;
  fs_clean();
  return dir;
}

FS_TEST(fs_readdir_in_batches) {
  static const size_t batches[] = {1, 2, 3, ZOO - 1, ZOO, ZOO + 1, 100};
  const char* path = make_zoo();
  size_t b;
  for (b = 0; b < sizeof(batches) / sizeof(batches[0]); b++) {
    uv_dirent_t entries[100];
    int seen[ZOO] = {0};
    size_t left = ZOO;
    uv_dir_t* dir = open_dir(path);
    size_t i;
    dir->dirents = entries;
    dir->nentries = batches[b];
    while (left > 0) {
      size_t want = left < batches[b] ? left : batches[b];
      ASSERT_EQ(FS(readdir, dir), want);
      ASSERT_PTR_EQ(fs_req.ptr, dir);
      for (i = 0; i < want; i++) {
        int index = zoo_index(entries[i].name);
        ASSERT_EQ(entries[i].type, zoo[index].type);
        ASSERT_EQ(seen[index]++, 0);
      }
      fs_clean();
      left -= want;
    }
    /* The end stays the end. */
    FS_IS(0, readdir, dir);
    FS_IS(0, readdir, dir);
    FS_OK(closedir, dir);
  }
}

FS_TEST(fs_readdir_empty) {
  uv_dirent_t entries[4];
  uv_dir_t* dir;
  ASSERT_OK(mkdir(test_path("empty"), 0777));
  dir = open_dir(test_path("empty"));
  dir->dirents = entries;
  dir->nentries = 4;
  FS_IS(0, readdir, dir);
  FS_OK(closedir, dir);
}

FS_TEST(fs_readdir_bad_arguments) {
  uv_dirent_t entry;
  uv_dir_t* dir = open_dir(make_zoo());
  dir->dirents = NULL;
  dir->nentries = 1;
  FS_IS(UV_EINVAL, readdir, dir);
  FS_IS(UV_EINVAL, readdir, NULL);
  dir->dirents = &entry;
  dir->nentries = 0;
  FS_IS(0, readdir, dir);
  dir->nentries = 1;
  FS_IS(1, readdir, dir);
  FS_OK(closedir, dir);
  FS_IS(UV_EINVAL, closedir, NULL);
}

FS_TEST(fs_opendir_errors) {
  ASSERT_EQ(FS(opendir, test_path("missing")), UV_ENOENT);
  ASSERT_NULL(fs_req.ptr);
  fs_clean();
  ASSERT_EQ(FS(opendir, fs_make("file", "", 0)), UV_ENOTDIR);
  ASSERT_NULL(fs_req.ptr);
  fs_clean();
}

/* Closing in the middle, with entries left unread. */
FS_TEST(fs_closedir_early) {
  uv_dirent_t entries[2];
  uv_dir_t* dir = open_dir(make_zoo());
  int before = dup(0);
  int after;
  close(before);
  dir->dirents = entries;
  dir->nentries = 2;
  FS_IS(2, readdir, dir);
  FS_OK(closedir, dir);
  after = dup(0); /* the directory's descriptor was the lowest in use */
  ASSERT_LT(after, before);
  close(after);
}
