# belay_embed(OUTPUT file.cc FUNCTION name FILES a.json ...): files as texts in the program.
# std::span<const std::string_view> belay::monitor::name() gives them in that order. Run at build
# time by the same file in script mode.
if(CMAKE_SCRIPT_MODE_FILE)
  set(entries "")
  set(count 0)
  foreach(path IN LISTS FILES)
    file(READ "${path}" text)
    if(text MATCHES "\\)belay_file\"")
      message(FATAL_ERROR "${path} holds the mark that ends it")
    endif()
    string(APPEND entries "    R\"belay_file(${text})belay_file\",\n")
    math(EXPR count "${count} + 1")
  endforeach()
  file(WRITE "${OUTPUT}" "#include <array>\n#include <span>\n#include <string_view>\n\n"
    "namespace belay::monitor {\n\nstd::span<const std::string_view> ${FUNCTION}();\n\n"
    "std::span<const std::string_view> ${FUNCTION}() {\n"
    "  static constexpr std::array<std::string_view, ${count}> kFiles = {\n${entries}  };\n"
    "  return kFiles;\n}\n\n}  // namespace belay::monitor\n")
  return()
endif()

function(belay_embed)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUTPUT;FUNCTION" "FILES")
  set(script "${PROJECT_SOURCE_DIR}/cmake/BelayEmbed.cmake")
  add_custom_command(
    OUTPUT "${arg_OUTPUT}"
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${arg_OUTPUT}" "-DFUNCTION=${arg_FUNCTION}"
            "-DFILES=${arg_FILES}" -P "${script}"
    DEPENDS ${arg_FILES} "${script}"
    COMMENT "Embedding ${arg_FUNCTION}"
    VERBATIM)
endfunction()
