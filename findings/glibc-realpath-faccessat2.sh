#!/bin/bash
# realpath() of glibc 2.36 fails in a sandbox for a path that ends with "/." or "/".
#
# Sandboxes (seccomp filters of container runtimes, older libseccomp) refuse system calls that they do not know
# with EPERM. For a path that ends with a slash or a dot, realpath() checks that it leads to a directory with
# faccessat(AT_EACCESS), which glibc makes of faccessat2; only ENOSYS makes it fall back. So realpath() returns
# NULL with EPERM for a directory that exists and may be read, while the same path without its end works. One
# would expect a fallback, as for the other new calls, or no system call at all for what lstat has just said.
#
# Uses libc6 2.36-9+deb12u14 and libc6-dev of Debian 12 (amd64), unpacked into a temporary directory.
# Prints what was seen, and fails if that changes.
set -euo pipefail
version=2.36-9+deb12u14
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq -o APT::Sandbox::User=root "libc6=$version"
dpkg -x libc6_*.deb root
libc=root/lib/x86_64-linux-gnu

cat >program.c <<'C'
#include <errno.h>
#include <gnu/libc-version.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void show(const char* path) {
  char* real = realpath(path, NULL);
  printf("realpath(\"%s\"): %s\n", path, real != NULL ? real : strerror(errno));
  free(real);
}

int main(int argc, char** argv) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_faccessat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned) atoi(argv[1])),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {4, filter};
  (void) argc;
  printf("glibc %s, faccessat2 refused with %s\n", gnu_get_libc_version(), strerror(atoi(argv[1])));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    return 1;
  show("/usr/include");
  show("/usr/include/.");
  show("/usr/include/");
}
C
cc -o program program.c
run() {
  "$libc/ld-linux-x86-64.so.2" --library-path "$libc" ./program "$1"
}
{
  run 38
  run 1
} | tee seen
diff seen - <<'SEEN'
glibc 2.36, faccessat2 refused with Function not implemented
realpath("/usr/include"): /usr/include
realpath("/usr/include/."): /usr/include
realpath("/usr/include/"): /usr/include
glibc 2.36, faccessat2 refused with Operation not permitted
realpath("/usr/include"): /usr/include
realpath("/usr/include/."): Operation not permitted
realpath("/usr/include/"): Operation not permitted
SEEN
echo "as described"
