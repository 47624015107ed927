/* Runs a program with system calls refused by seccomp, also those that the C library
 * makes by itself, and in all processes that the program starts:
 *   refuse ERROR NUMBER[,NUMBER...] PROGRAM [ARGUMENT...]
 * Exit status 125 if it cannot. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MOST = 100 };

int main(int argc, char** argv) {
  struct sock_filter program[2 * MOST + 2];
  unsigned short length = 0;
  struct sock_fprog filter = {0, program};
  char* next;
  if (argc < 4) return 125;
  program[length++] = (struct sock_filter) BPF_STMT(
      BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (next = argv[2]; *next != '\0' && length < 2 * MOST; next += *next == ',') {
    unsigned number = (unsigned) strtoul(next, &next, 10);
    program[length++] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                      number, 0, 1);
    program[length++] = (struct sock_filter) BPF_STMT(
        BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned) atoi(argv[1]));
  }
  program[length++] =
      (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter.len = length;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    perror("seccomp");
    return 125;
  }
  execv(argv[3], argv + 3);
  perror(argv[3]);
  return 125;
}
