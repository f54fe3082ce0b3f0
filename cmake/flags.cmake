# One interface library carries every flag, so that nothing is compiled without them.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)
include(CheckPIESupported)

option(WILCO_TESTS "Build the tests" ON)
option(WILCO_BENCH "Build the benchmarks" OFF)
option(WILCO_COST "Build what `make cost` needs beside the tool" OFF)
option(WILCO_WERROR "Turn warnings into errors" OFF)
option(WILCO_HARDENING "Harden what is built, as Debian's release builds are" OFF)
option(WILCO_LTO "Optimise across files (gcc)" OFF)
option(WILCO_FUZZ "Build the fuzz targets (clang)" OFF)
option(WILCO_COVERAGE "Count which lines and branches run (gcc)" OFF)
set(WILCO_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined or thread)")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()
# assert() stays on everywhere: it stops our own mistakes before they become somebody's data.
foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REGEX REPLACE "[/-]DNDEBUG" "" CMAKE_C_FLAGS_${type} "${CMAKE_C_FLAGS_${type}}")
endforeach()
string(REPLACE "-O3" "-O2 -g" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(wilco_flags INTERFACE)
target_compile_options(wilco_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wpointer-arith -Wcast-align -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wdouble-promotion
  -Wimplicit-fallthrough -Wconversion -Wsign-conversion
  $<$<C_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wnull-dereference>
  $<$<C_COMPILER_ID:Clang>:-Wcomma -Wconditional-uninitialized -Wshorten-64-to-32>
  $<$<BOOL:${WILCO_WERROR}>:-Werror>
  -fno-common -fvisibility=hidden -fstack-protector-strong)
# gcc copies and clears with "rep movs" and "rep stos" where it thinks that it knows how much it is. These take some thirty
# cycles to begin; the C library's functions are done by then.
check_c_compiler_flag(-mmemcpy-strategy=libcall:-1:noalign WILCO_HAVE_STRATEGY)
if(WILCO_HAVE_STRATEGY)
  target_compile_options(wilco_flags INTERFACE
    -mmemcpy-strategy=libcall:-1:noalign -mmemset-strategy=libcall:-1:noalign)
endif()
# The objects are complete without it as well: that is what libwilco.a is made of.
if(WILCO_LTO AND CMAKE_C_COMPILER_ID STREQUAL GNU)
  target_compile_options(wilco_flags INTERFACE -flto=auto -ffat-lto-objects)
  target_link_options(wilco_flags INTERFACE -flto=auto)
endif()
if(WILCO_SANITIZE)
  target_compile_options(wilco_flags INTERFACE -fsanitize=${WILCO_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(wilco_flags INTERFACE -fsanitize=${WILCO_SANITIZE})
endif()
if(WILCO_COVERAGE)
  target_compile_options(wilco_flags INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(wilco_flags INTERFACE --coverage)
endif()

# What each of these is good for: docs/process.md. tests/packaging/hardening.py looks for them in what was built.
function(add_hardening kind)
  foreach(flag ${ARGN})
    string(MAKE_C_IDENTIFIER "WILCO_HAVE${flag}" have)
    if(kind STREQUAL compile)
      check_c_compiler_flag(${flag} ${have})
    else()
      check_linker_flag(C ${flag} ${have})
    endif()
    if(${have})
      cmake_language(CALL target_${kind}_options wilco_flags INTERFACE ${flag})
    endif()
  endforeach()
endfunction()

if(WILCO_HARDENING)
  check_pie_supported(LANGUAGES C) # with POSITION_INDEPENDENT_CODE: -fPIE and -pie for programs
  set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
  check_c_source_compiles("#include <string.h>\nint main(void) { return 0; }" HAVE_FORTIFY_3)
  unset(CMAKE_REQUIRED_FLAGS)
  target_compile_options(wilco_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$<IF:$<BOOL:${HAVE_FORTIFY_3}>,3,2>)
  add_hardening(compile -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero)
  add_hardening(link -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code)
endif()
