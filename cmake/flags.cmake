# Warnings, hardening and sanitizers. Flags that not every compiler has are probed.
# Our own targets take them from hearth_flags; third-party code gets only the
# sanitizers, which must be the same everywhere.
include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C CXX)

add_library(hearth_flags INTERFACE)
target_include_directories(hearth_flags INTERFACE ${CMAKE_SOURCE_DIR}/src
  ${CMAKE_SOURCE_DIR}/include ${CMAKE_BINARY_DIR}/generated)
target_compile_definitions(hearth_flags INTERFACE _GNU_SOURCE)

function(c_flags) # for our C, unconditionally
  foreach(flag ${ARGN})
    target_compile_options(hearth_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:${flag}>)
  endforeach()
endfunction()

function(c_flags_where_known)
  foreach(flag ${ARGN})
    string(MAKE_C_IDENTIFIER "has${flag}" has)
    set(CMAKE_REQUIRED_FLAGS -Werror)
    check_c_compiler_flag(${flag} ${has})
    if(${has})
      c_flags(${flag})
    endif()
  endforeach()
endfunction()

set(CMAKE_REQUIRED_QUIET ON)
c_flags(-std=gnu17 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wvla
  -Wwrite-strings -Wundef -Wcast-qual -Wpointer-arith -Wformat=2
  -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion -Wunused-macros
  -Wdate-time -Werror=implicit -Werror=incompatible-pointer-types
  -Werror=int-conversion -Werror=return-type)
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
  c_flags_where_known(-Wduplicated-cond -Wduplicated-branches -Wlogical-op
    -Wformat-signedness -Wformat-overflow=2 -Wcast-align=strict -Warith-conversion
    -Walloc-zero -Walloca -Wstack-usage=16384 -Wtrampolines -Wbidi-chars=any)
else()
  c_flags_where_known(-Wcomma -Wassign-enum -Wthread-safety -Wcast-align
    -Wunreachable-code)
endif()
target_compile_options(hearth_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-std=c++17> $<$<COMPILE_LANGUAGE:CXX>:-Wall>
  $<$<COMPILE_LANGUAGE:CXX>:-Wextra> $<$<COMPILE_LANGUAGE:CXX>:-Wshadow>
  -g -fno-common -fvisibility=hidden -fno-strict-aliasing -fno-strict-overflow
  -fno-delete-null-pointer-checks -fno-omit-frame-pointer
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
if(HEARTH_WERROR)
  target_compile_options(hearth_flags INTERFACE -Werror)
endif()
if(NOT APPLE)
  # one linker setting for all flavours: a library that is not needed is not loaded
  target_link_options(hearth_flags INTERFACE -Wl,--as-needed)
endif()

if(HEARTH_FLAVOUR STREQUAL release)
  target_compile_options(hearth_flags INTERFACE -O2 -fstack-protector-strong
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  c_flags_where_known(-fstack-clash-protection -fcf-protection=full
    -mbranch-protection=standard -ftrivial-auto-var-init=zero -fstrict-flex-arrays=3
    -fzero-init-padding-bits=all)
  if(NOT APPLE)
    target_link_options(hearth_flags INTERFACE -Wl,-z,relro,-z,now
      -Wl,-z,noexecstack -Wl,-z,separate-code)
  endif()
else()
  target_compile_options(hearth_flags INTERFACE -O1)
  target_compile_definitions(hearth_flags INTERFACE TEST_FAULTS)
endif()

set(sanitize_asan -fsanitize=address,undefined)
set(sanitize_tsan -fsanitize=thread)
set(sanitize_fuzz -fsanitize=fuzzer-no-link,address,undefined)
if(DEFINED sanitize_${HEARTH_FLAVOUR})
  add_compile_options(${sanitize_${HEARTH_FLAVOUR}} -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer)
  string(REPLACE fuzzer-no-link, "" link_sanitizer "${sanitize_${HEARTH_FLAVOUR}}")
  add_link_options(${link_sanitizer})
endif()
