# Unit tests and fuzz targets. A test links its own floor and those below, plus the
# doubles of tests/fake; a test of the runner's engine links llama.cpp.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
set(CMAKE_BUILD_WITH_INSTALL_RPATH OFF) # tests are not installed
system_library(cmocka cmocka)

add_library(hearth_test STATIC tests/test.c)
target_link_libraries(hearth_test PUBLIC hearth_flags PkgConfig::cmocka)
target_include_directories(hearth_test PUBLIC tests .)
file(GLOB fake_sources CONFIGURE_DEPENDS tests/fake/*.c)
set(fake_programs ${fake_sources})
list(FILTER fake_programs INCLUDE REGEX "_main\\.c$")
list(FILTER fake_sources EXCLUDE REGEX "_main\\.c$")
if(fake_sources)
  # A double names no floor here: what it calls comes from the test that uses it, so
  # the test of a low floor does not wait for the high ones.
  add_library(hearth_fake STATIC ${fake_sources})
  target_link_libraries(hearth_fake PUBLIC hearth_test)
  foreach(library hearth_yyjson hearth_llhttp hearth_treesitter)
    target_include_directories(hearth_fake SYSTEM PRIVATE
      $<TARGET_PROPERTY:${library},INTERFACE_INCLUDE_DIRECTORIES>)
  endforeach()
endif()
foreach(source ${fake_programs}) # tests/fake/x_main.c is the program x
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "_main$" "" name ${name})
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE $<TARGET_NAME_IF_EXISTS:hearth_fake>
    ${HEARTH_LIBRARIES})
endforeach()

set(SAN_ENV "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
  "UBSAN_OPTIONS=print_stacktrace=1" "GGML_NO_BACKTRACE=1"
  "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

# Tests that start a program of tests/fake from beside them
set(programs_of_super_test super_part)
set(programs_of_sandbox_test sandbox_probe)

function(unit_test source)
  get_filename_component(name ${source} NAME_WE)
  if(TARGET ${name})
    message(FATAL_ERROR "two tests are called ${name}: a module's name is unique")
  endif()
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE $<TARGET_NAME_IF_EXISTS:hearth_fake> hearth_test
    ${ARGN})
  foreach(program ${programs_of_${name}})
    add_dependencies(${name} ${program})
  endforeach()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${SAN_ENV}")
endfunction()

function(fuzz_target source library)
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" module ${name})
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${library})
  if(HEARTH_FLAVOUR STREQUAL fuzz)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    return()
  endif()
  target_sources(${name} PRIVATE tools/fuzz_replay.c)
  add_test(NAME ${name} COMMAND ${name} tests/corpus/${module}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${SAN_ENV}")
endfunction()

foreach(folder ${HEARTH_FLOORS})
  file(GLOB tests CONFIGURE_DEPENDS src/${folder}/*_test.c)
  file(GLOB targets CONFIGURE_DEPENDS src/${folder}/*_fuzz.c)
  if(NOT HEARTH_FLAVOUR STREQUAL fuzz)
    foreach(source ${tests})
      unit_test(${source} hearth_${folder})
    endforeach()
  endif()
  foreach(source ${targets})
    fuzz_target(${source} hearth_${folder})
  endforeach()
endforeach()
file(GLOB tests CONFIGURE_DEPENDS src/runner/llama/*_test.c)
if(NOT HEARTH_FLAVOUR STREQUAL fuzz AND TARGET hearth_runner_llama)
  foreach(source ${tests})
    unit_test(${source} hearth_runner_llama)
  endforeach()
endif()
