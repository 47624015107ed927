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
execute_process(COMMAND sh -c "exec $ENV{MAPS} $PPID" COMMAND_ERROR_IS_FATAL ANY)
add_library(greeting STATIC greeting.c)
add_executable(hello hello.c)
target_link_libraries(hello greeting)
enable_testing()
add_test(NAME hello COMMAND hello)
foreach(i RANGE 1 50)
  execute_process(COMMAND sh -c "echo out ${i}; echo err ${i} >&2"
    OUTPUT_VARIABLE out ERROR_VARIABLE err)
  string(APPEND all "${out}${err}")
endforeach()
string(SHA256 sum "${all}")
message(STATUS "fifty children said ${sum}")
CMAKE
  echo 'const char* greeting(void) { return "hello"; }' >project/greeting.c
  echo '#include <stdio.h>
const char* greeting(void);
int main(void) { puts(greeting()); return 0; }' >project/hello.c
  cmake -S project -B build -G Ninja | grep fifty
  cmake --build build >/dev/null
  ./build/hello
  ctest --test-dir build | sed -n 's/, .*//; /tests passed/p'
}
