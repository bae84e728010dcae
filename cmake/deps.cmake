# Third-party libraries as targets, all as SYSTEM includes:
#   system packages     PkgConfig::uv, ...
#   sources of deps.lock  hearth_yyjson, hearth_llhttp, hearth_treesitter
#   llama.cpp           hearth_llama (C API), hearth_llama_common (its C++ helpers)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS deps.lock VERSION
  src/LAYERS)

# Both scripts do nothing when their work is done.
execute_process(COMMAND tools/fetch-deps WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND tools/build-llama WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND tools/fetch-deps --paths OUTPUT_VARIABLE paths
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" paths "${paths}")
foreach(line ${paths})
  string(REGEX MATCH "^([^ ]+) (.*)$" _ "${line}")
  set(dir_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
endforeach()

function(system_library name)
  pkg_check_modules(${name} REQUIRED QUIET IMPORTED_TARGET ${ARGN})
endfunction()
system_library(uv libuv)
system_library(curl libcurl)
system_library(crypto libcrypto)
system_library(ssl libssl)
system_library(sqlite3 sqlite3)
system_library(yaml yaml-0.1)
system_library(edit libedit)
if(NOT APPLE)
  system_library(seccomp libseccomp)
endif()

function(third_party name) # a static library of sources that are not ours
  add_library(${name} STATIC ${ARGN})
  target_compile_options(${name} PRIVATE -g -w -fvisibility=hidden
    # UBSan takes yyjson.c from 15 seconds to two minutes
    $<IF:$<STREQUAL:${HEARTH_FLAVOUR},release>,-O2,-O1> -fno-sanitize=undefined)
endfunction()

if(dir_yyjson STREQUAL system)
  system_library(yyjson yyjson)
  add_library(hearth_yyjson ALIAS PkgConfig::yyjson)
else()
  third_party(hearth_yyjson ${dir_yyjson}/src/yyjson.c)
  target_include_directories(hearth_yyjson SYSTEM PUBLIC ${dir_yyjson}/src)
endif()

if(NOT dir_libllhttp OR dir_libllhttp STREQUAL system) # no line for this architecture
  system_library(llhttp libllhttp>=9.2)
  add_library(hearth_llhttp ALIAS PkgConfig::llhttp)
else()
  file(GLOB archive ${dir_libllhttp}/usr/lib/*/libllhttp.a)
  add_library(hearth_llhttp INTERFACE)
  target_link_libraries(hearth_llhttp INTERFACE ${archive})
  target_include_directories(hearth_llhttp SYSTEM INTERFACE ${dir_libllhttp}/usr/include)
endif()

set(core ${dir_tree-sitter}/vendor/tree-sitter/lib)
set(grammars ${dir_tree-sitter-c} ${dir_tree-sitter-python} ${dir_tree-sitter-javascript})
set(sources ${core}/src/lib.c)
foreach(grammar ${grammars})
  file(GLOB found ${grammar}/src/parser.c ${grammar}/src/scanner.c)
  set_source_files_properties(${found} PROPERTIES COMPILE_OPTIONS "-I${grammar}/src")
  list(APPEND sources ${found})
endforeach()
third_party(hearth_treesitter ${sources})
target_compile_options(hearth_treesitter PRIVATE -fno-sanitize=all) # minutes of tables
target_include_directories(hearth_treesitter PRIVATE ${core}/src)
target_include_directories(hearth_treesitter SYSTEM PUBLIC ${core}/include)
target_compile_definitions(hearth_treesitter PRIVATE _DEFAULT_SOURCE
  _POSIX_C_SOURCE=200809L)

execute_process(COMMAND tools/build-llama --prefix OUTPUT_VARIABLE llama
  OUTPUT_STRIP_TRAILING_WHITESPACE WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
  COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "^(.*) ([^ ]+)$" _ "${llama}")
set(HEARTH_LLAMA_PREFIX "${CMAKE_MATCH_1}")
set(HEARTH_LLAMA_SOURCE "${CMAKE_MATCH_2}")
set(so ${CMAKE_SHARED_LIBRARY_SUFFIX})
add_library(hearth_llama INTERFACE)
target_include_directories(hearth_llama SYSTEM INTERFACE ${HEARTH_LLAMA_PREFIX}/include)
foreach(name llama ggml ggml-base)
  target_link_libraries(hearth_llama INTERFACE ${HEARTH_LLAMA_PREFIX}/lib/lib${name}${so})
endforeach()
add_library(hearth_llama_common INTERFACE)
target_link_libraries(hearth_llama_common INTERFACE
  ${HEARTH_LLAMA_PREFIX}/lib/libllama-common${so} hearth_llama)
target_include_directories(hearth_llama_common SYSTEM INTERFACE
  ${HEARTH_LLAMA_SOURCE}/common ${HEARTH_LLAMA_SOURCE}/vendor ${HEARTH_LLAMA_SOURCE}/src)
