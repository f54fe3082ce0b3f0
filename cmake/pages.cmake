# Run by the build: what the tool says about itself, as files for man and for shells.
#   cmake -D WILCO=build/wilco -D TO=FOLDER -P pages.cmake
function(write_page file)
  cmake_path(GET file PARENT_PATH folder)
  file(MAKE_DIRECTORY ${folder})
  execute_process(COMMAND ${WILCO} ${ARGN} OUTPUT_FILE ${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${TO})
execute_process(COMMAND ${WILCO} manual OUTPUT_VARIABLE pages COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" pages "${pages}")
foreach(page ${pages})
  string(REGEX MATCH "[0-9]$" section ${page})
  write_page(${TO}/man/man${section}/${page} manual ${page})
endforeach()
write_page(${TO}/bash/wilco completion bash)
write_page(${TO}/zsh/_wilco completion zsh)
write_page(${TO}/fish/wilco.fish completion fish)
