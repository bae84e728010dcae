# The programs, side by side in the build directory and in $prefix/bin, where the
# supervisor looks for the runner: beside itself.
product_sources(cmd_sources src/cmd/*.c)
set(runner_main ${CMAKE_SOURCE_DIR}/src/cmd/hearth_runner.c)
list(REMOVE_ITEM cmd_sources ${runner_main})
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

# One RUNPATH for the build directory and for $prefix, because the one that CMake
# rewrites at install time has an empty entry before that: the current folder.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
file(CREATE_LINK ${HEARTH_LLAMA_PREFIX}/lib ${CMAKE_BINARY_DIR}/lib SYMBOLIC)
set(beside $ORIGIN)
if(APPLE)
  set(beside @loader_path)
endif()

# Everything but the runner: the product itself links no inference engine.
set(without_runner ${HEARTH_LIBRARIES})
list(REMOVE_ITEM without_runner hearth_runner)
if(cmd_sources)
  add_executable(hearth ${cmd_sources})
  target_link_libraries(hearth PRIVATE ${without_runner} PkgConfig::edit)
  install(TARGETS hearth RUNTIME DESTINATION bin)
endif()
if(EXISTS ${runner_main} AND TARGET hearth_runner_llama)
  add_executable(hearth-runner ${runner_main})
  target_link_libraries(hearth-runner PRIVATE hearth_runner_llama)
  set_target_properties(hearth-runner PROPERTIES LINKER_LANGUAGE CXX
    INSTALL_RPATH "${beside}/../lib/hearth;${beside}/lib")
  install(TARGETS hearth-runner RUNTIME DESTINATION bin)
  install(DIRECTORY ${HEARTH_LLAMA_PREFIX}/lib/ DESTINATION lib/hearth
    FILES_MATCHING PATTERN "*.so*" PATTERN "*.dylib" PATTERN cmake EXCLUDE
    PATTERN pkgconfig EXCLUDE)
endif()

# The models that come with hearth, their demonstration tasks and the questions that
# they were not trained on
file(GLOB shipped CONFIGURE_DEPENDS models/tiny/*.gguf models/tiny/demo*.json
  models/tiny/heldout.jsonl)
install(FILES ${shipped} DESTINATION share/hearth/models/tiny)

# What `make bench` measures with, as fast as the product: x is tests/fake/x_main.c
if(HEARTH_FLAVOUR STREQUAL release)
  foreach(name runner_drive fake_runner)
    file(GLOB sources CONFIGURE_DEPENDS tests/fake/${name}_main.c tests/fake/${name}.c)
    if(sources)
      add_executable(${name} EXCLUDE_FROM_ALL ${sources})
      target_include_directories(${name} PRIVATE tests)
      target_link_libraries(${name} PRIVATE ${without_runner})
    endif()
  endforeach()
endif()

# libhearth: the C client API of include/hearth.h, and nothing else exported
product_sources(client_sources src/client/*.c)
if(client_sources AND EXISTS ${CMAKE_SOURCE_DIR}/include/hearth.h
    AND HEARTH_FLAVOUR STREQUAL release)
  add_library(libhearth SHARED ${client_sources})
  get_target_property(client_links hearth_client LINK_LIBRARIES)
  target_link_libraries(libhearth PRIVATE ${client_links})
  set_target_properties(libhearth PROPERTIES OUTPUT_NAME hearth
    VERSION ${HEARTH_VERSION} SOVERSION 0 PUBLIC_HEADER include/hearth.h)
  if(NOT APPLE)
    target_link_options(libhearth PRIVATE -Wl,--exclude-libs,ALL)
  endif()
  install(TARGETS libhearth LIBRARY DESTINATION lib PUBLIC_HEADER DESTINATION include)
endif()
