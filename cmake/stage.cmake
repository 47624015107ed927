# Puts what cargo built into ${to}, stripped and named as it is installed:
#   cmake -Dfrom=DIR -Dto=DIR -Dmajor=N -Dstrip=PROGRAM -P stage.cmake
# Files that did not change keep their time stamps, so that nothing relinks.
cmake_minimum_required(VERSION 3.18)
file(MAKE_DIRECTORY ${to})

function(stage source target strip_option)
  file(SHA256 ${from}/${source} hash)
  set(record ${to}/.${source}.sha256)
  if(EXISTS ${record} AND EXISTS ${to}/${target})
    file(READ ${record} staged_hash)
    if(staged_hash STREQUAL hash)
      return()
    endif()
  endif()
  # Renamed into place: a running program may have the old file mapped.
  configure_file(${from}/${source} ${to}/${target}.new COPYONLY)
  if(strip)
    execute_process(COMMAND ${strip} ${strip_option} ${to}/${target}.new RESULT_VARIABLE status)
    if(status)
      message(FATAL_ERROR "${strip}: ${status}")
    endif()
  endif()
  file(RENAME ${to}/${target}.new ${to}/${target})
  file(WRITE ${record} ${hash})
endfunction()

stage(libuv.so libuv.so.${major}.0.0 --strip-unneeded)
stage(libuv.a libuv.a --strip-debug)
file(CREATE_LINK libuv.so.${major}.0.0 ${to}/libuv.so.${major} SYMBOLIC)
file(CREATE_LINK libuv.so.${major} ${to}/libuv.so SYMBOLIC)
