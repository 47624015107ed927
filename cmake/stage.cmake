# Copies cargo's libraries to ${to}, with the names and symbols of an installation:
#   cmake -Dfrom=DIR -Dto=DIR -Dmajor=N -Dcc=PROGRAM -Dar=PROGRAM -Dnm=PROGRAM
#         -Dobjcopy=PROGRAM -Dstrip=PROGRAM -P stage.cmake
# Unchanged files keep their time stamps, so that nothing is linked again.
cmake_minimum_required(VERSION 3.19)
file(MAKE_DIRECTORY ${to})

macro(run)
  execute_process(COMMAND ${ARGV} WORKING_DIRECTORY ${to} COMMAND_ERROR_IS_FATAL ANY)
endmacro()

# Sets `${result}` to whether `target` was made from the current `source`.
function(is_staged result source target)
  set(${result} FALSE PARENT_SCOPE)
  set(record ${to}/.${source}.sha256)
  if(EXISTS ${record} AND EXISTS ${to}/${target})
    file(SHA256 ${from}/${source} hash)
    file(READ ${record} staged_hash)
    if(staged_hash STREQUAL hash)
      set(${result} TRUE PARENT_SCOPE)
    endif()
  endif()
endfunction()

# Replaces the file by renaming, as a running program may have mapped the old one.
function(finish source target)
  file(RENAME ${to}/${target}.new ${to}/${target})
  file(SHA256 ${from}/${source} hash)
  file(WRITE ${to}/.${source}.sha256 ${hash})
endfunction()

set(shared libuv.so.${major}.0.0)
is_staged(done libuv.so ${shared})
if(NOT done)
  configure_file(${from}/libuv.so ${to}/${shared}.new COPYONLY)
  if(strip)
    run(${strip} --strip-unneeded ${shared}.new)
  endif()
  finish(libuv.so ${shared})
endif()
file(CREATE_LINK ${shared} ${to}/libuv.so.${major} SYMBOLIC)
file(CREATE_LINK libuv.so.${major} ${to}/libuv.so SYMBOLIC)

# Cargo's archive has all of Rust's standard library. The parts that the exported functions use are linked
# to one object, in which all other symbols are local, so that a program can link another Rust library too.
is_staged(done libuv.a libuv.a)
if(NOT done)
  execute_process(COMMAND ${nm} -D --defined-only -f posix ${from}/libuv.so
    OUTPUT_VARIABLE exported COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE " [^\n]*" "" exported "${exported}")
  file(WRITE ${to}/exported "${exported}")
  string(REGEX REPLACE "([^\n]+)" "-Wl,-u,\\1" roots "${exported}")
  file(WRITE ${to}/roots "${roots}")
  run(${cc} -nostdlib -r -Wl,--gc-sections,--force-group-allocation @roots
      -o libuv.o ${from}/libuv.a)
  # .llvmbc has the standard library a second time, for LTO.
  run(${objcopy} --keep-global-symbols=exported --strip-debug -R .llvmbc -R .llvmcmd libuv.o)
  file(REMOVE ${to}/libuv.a.new)
  run(${ar} rcsD libuv.a.new libuv.o)
  file(REMOVE ${to}/libuv.o ${to}/exported ${to}/roots)
  finish(libuv.a libuv.a)
endif()
