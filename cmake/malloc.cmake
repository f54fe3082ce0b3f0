# The allocator of the tool alone; the library leaves that choice to the program that links it.
# It is linked although nothing calls it by name: it takes the place of malloc and free.
option(WILCO_MIMALLOC "Link the tool with mimalloc, if it is installed" OFF)
add_library(wilco_malloc INTERFACE)
if(WILCO_MIMALLOC)
  find_package(mimalloc QUIET CONFIG)
  if(mimalloc_FOUND)
    target_link_libraries(wilco_malloc INTERFACE
      -Wl,--push-state,--no-as-needed $<TARGET_LINKER_FILE:mimalloc> -Wl,--pop-state)
  endif()
endif()
