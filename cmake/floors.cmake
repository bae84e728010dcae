# One static library per folder named in src/LAYERS. It links every folder of the
# lines before its own, never its neighbours: what tools/check-layers forbids to
# include cannot be linked either.
set(libraries_of_base hearth_flags Threads::Threads m)
set(libraries_of_sys ${CMAKE_DL_LIBS})
if(NOT APPLE)
  list(APPEND libraries_of_sys PkgConfig::seccomp)
endif()
set(libraries_of_data hearth_yyjson hearth_llhttp PkgConfig::yaml PkgConfig::crypto)
set(libraries_of_store PkgConfig::sqlite3)
set(libraries_of_net PkgConfig::uv PkgConfig::curl PkgConfig::ssl)
set(libraries_of_work hearth_treesitter)

# product_sources(VARIABLE GLOB...): what matches, less tests, fuzz targets and the
# files of another platform (x_linux.c, x_macos.c)
set(other_platform linux)
if(NOT APPLE)
  set(other_platform macos)
endif()
function(product_sources var)
  file(GLOB found CONFIGURE_DEPENDS ${ARGN})
  list(FILTER found EXCLUDE REGEX "_(test|fuzz|${other_platform})\\.c$")
  set(${var} ${found} PARENT_SCOPE)
endfunction()

file(STRINGS src/LAYERS lines REGEX "^[a-z]")
set(HEARTH_FLOORS "")  # every folder but cmd, lowest first
set(below "")          # the libraries of the lines read so far
foreach(line ${lines})
  string(REGEX MATCHALL "[a-z0-9_]+" folders "${line}")
  set(here "")
  foreach(folder ${folders})
    if(folder STREQUAL cmd)
      continue()
    endif()
    product_sources(sources src/${folder}/*.c)
    if(sources)
      add_library(hearth_${folder} STATIC ${sources})
      set(scope PUBLIC)
    else()
      add_library(hearth_${folder} INTERFACE)
      set(scope INTERFACE)
    endif()
    target_link_libraries(hearth_${folder} ${scope} ${below} ${libraries_of_${folder}})
    list(APPEND HEARTH_FLOORS ${folder})
    list(APPEND here hearth_${folder})
  endforeach()
  list(APPEND below ${here})
endforeach()
set(HEARTH_LIBRARIES ${below})

# The one place that knows llama.cpp.
product_sources(sources src/runner/llama/*.c src/runner/llama/*.cpp)
if(sources)
  add_library(hearth_runner_llama STATIC ${sources})
  target_link_libraries(hearth_runner_llama PUBLIC hearth_llama_common hearth_runner)
endif()

# .incbin is no #include: ninja has to be told what harness.c is made of.
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/work/harness.c PROPERTIES OBJECT_DEPENDS
  "${CMAKE_SOURCE_DIR}/src/work/harness_python.py;${CMAKE_SOURCE_DIR}/src/work/harness_node.js")
