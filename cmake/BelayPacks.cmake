# belay_packs(OUTPUT file.cc PACKS a.yaml ...): the shipped rule files as one source, each named
# packs/<its file name>. Run at build time by the same file in script mode.
if(CMAKE_SCRIPT_MODE_FILE)
  set(entries "")
  foreach(pack IN LISTS PACKS)
    get_filename_component(name "${pack}" NAME_WE)
    file(READ "${pack}" text)
    if(text MATCHES "\\)belay_pack\"")
      message(FATAL_ERROR "${pack} holds the mark that ends it")
    endif()
    string(APPEND entries "    {\"packs/${name}\", R\"belay_pack(${text})belay_pack\"},\n")
  endforeach()
  file(WRITE "${OUTPUT}" "#include <array>\n\n#include \"monitor/config/rule_file.h\"\n\n"
    "namespace belay::monitor {\n\nstd::span<const Pack> shipped_packs() {\n"
    "  static constexpr std::array kPacks = std::to_array<Pack>({\n${entries}  });\n"
    "  return kPacks;\n}\n\n}  // namespace belay::monitor\n")
  return()
endif()

function(belay_packs)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUTPUT" "PACKS")
  list(SORT arg_PACKS)
  set(script "${PROJECT_SOURCE_DIR}/cmake/BelayPacks.cmake")
  add_custom_command(
    OUTPUT "${arg_OUTPUT}"
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${arg_OUTPUT}" "-DPACKS=${arg_PACKS}" -P "${script}"
    DEPENDS ${arg_PACKS} "${script}"
    COMMENT "Embedding the rule packs"
    VERBATIM)
endfunction()
