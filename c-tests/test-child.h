/* For tests that fork. */
#ifndef OXUV_TEST_CHILD_H
#define OXUV_TEST_CHILD_H

#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

/* Waits for the child and asserts that it ended with 0. */
UNUSED static void await_child(pid_t pid) {
  int status;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_EQ(status, 0);
}

/* Runs the function in a child process and returns its wait status. */
UNUSED static int child_status(void (*run)(void)) {
  int status;
  pid_t pid = fork();

  ASSERT_GE(pid, 0);
  if (pid == 0) {
    run();
    _exit(0);
  }
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  return status;
}

/* Forks; the child runs the scenario and must end well. */
UNUSED static void run_in_child(void (*scenario)(void*), void* arg) {
  pid_t pid = fork();

  ASSERT_GE(pid, 0);
  if (pid == 0) {
    scenario(arg);
    /* So that a leak checker looks at the child as well. */
    exit(0);
  }
  await_child(pid);
}

#endif
