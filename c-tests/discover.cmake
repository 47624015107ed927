# Writes the CTest file that registers each test of ${runner} on both libraries.
execute_process(COMMAND ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${oxuv} ${runner} --list
  OUTPUT_VARIABLE names OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
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
