title="CMake"
packages=(cmake gcc g++ make ninja-build libuv1)

version() {
  cmake --version | sed -n 's/^cmake version //p'
}

# CMake reads its own memory map, so that it can be checked while it runs.
run() {
  mkdir project
  cat >project/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.20)
project(hello C)
execute_process(COMMAND sh -c "exec \"$ENV{MAPS}\" $PPID" COMMAND_ERROR_IS_FATAL ANY)
add_library(greeting STATIC greeting.c)
add_executable(hello hello.c)
target_link_libraries(hello greeting)
enable_testing()
add_test(NAME hello COMMAND hello)
foreach(i RANGE 1 40)
  add_test(NAME child${i} COMMAND sh -c "seq 1 ${i}000; test ${i} != 7")
endforeach()
add_test(NAME timeout COMMAND sleep 100)
set_tests_properties(timeout PROPERTIES TIMEOUT 1)
add_test(NAME killed COMMAND sh -c "kill -SEGV $$")
foreach(i RANGE 1 50)
  execute_process(COMMAND sh -c "echo out ${i}; echo err ${i} >&2"
    OUTPUT_VARIABLE out ERROR_VARIABLE err)
  string(APPEND all "${out}${err}")
endforeach()
string(SHA256 sum "${all}")
message(STATUS "fifty children said ${sum}")
execute_process(COMMAND seq 1 100000 COMMAND sort -rn COMMAND head -n 3
  OUTPUT_VARIABLE out RESULTS_VARIABLE results)
string(REPLACE "\n" " " out "${out}")
message(STATUS "pipeline: ${out}")
execute_process(COMMAND sleep 100 TIMEOUT 0.1 RESULT_VARIABLE result)
message(STATUS "sleep: ${result}")
execute_process(COMMAND ./nothing-of-the-kind RESULT_VARIABLE result)
message(STATUS "nothing: ${result}")
execute_process(COMMAND sh -c "kill -TERM $$" RESULT_VARIABLE result)
message(STATUS "killed: ${result}")
CMAKE
  echo 'const char* greeting(void) { return "hello"; }' >project/greeting.c
  echo '#include <stdio.h>
const char* greeting(void);
int main(void) { puts(greeting()); return 0; }' >project/hello.c
  cmake -S project -B build -G Ninja | grep -E '^-- (fifty|pipeline|sleep|nothing|killed)'
  cmake --build build >/dev/null
  ./build/hello
  ctest --test-dir build -j 8 >ctest.log || echo "ctest: $?"
  sed -nE '/Test +#/ s|.*Test +#[0-9]+: ([^ ]+) \.*([^.]*[^ .0-9]) +[0-9.]+ sec|\1 \2|p' ctest.log | sort
  grep 'tests passed' ctest.log
}
