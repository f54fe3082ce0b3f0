# One interface library carries every flag, so that nothing is compiled without them.
option(WILCO_TESTS "Build the tests" ON)
option(WILCO_WERROR "Turn warnings into errors" OFF)
set(WILCO_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined or thread)")

add_library(wilco_flags INTERFACE)
target_compile_options(wilco_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wpointer-arith -Wcast-align -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wdouble-promotion
  -Wimplicit-fallthrough -Wconversion -Wsign-conversion
  $<$<C_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wnull-dereference>
  $<$<C_COMPILER_ID:Clang>:-Wcomma -Wconditional-uninitialized -Wshorten-64-to-32>
  $<$<BOOL:${WILCO_WERROR}>:-Werror>
  -fno-common -fvisibility=hidden -fstack-protector-strong)
if(WILCO_SANITIZE)
  target_compile_options(wilco_flags INTERFACE -fsanitize=${WILCO_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(wilco_flags INTERFACE -fsanitize=${WILCO_SANITIZE})
endif()
