# Writes the CTest file that registers each test of ${runner} on both libraries.
cmake_minimum_required(VERSION 3.18)
execute_process(COMMAND ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${oxuv} ${runner} --list
  OUTPUT_VARIABLE names OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE status)
if(status)
  message(FATAL_ERROR "${runner} --list: ${status}")
endif()
string(REPLACE "\n" ";" names "${names}")
set(script "")
foreach(name IN LISTS names)
  foreach(library oxuv reference)
    set(dir ${${library}})
    string(APPEND script
      "add_test([[${library}.${name}]] [[${runner}]] --library [[${dir}/libuv.so.1]] [[${name}]])\n"
      "set_tests_properties([[${library}.${name}]] PROPERTIES SKIP_RETURN_CODE 77"
      " ENVIRONMENT [[LD_LIBRARY_PATH=${dir}]])\n")
  endforeach()
endforeach()
file(WRITE ${output} "${script}")
