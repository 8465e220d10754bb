# Faster builds: a compiler cache and a fast linker, where the machine has them.

find_program(BELAY_CCACHE ccache)
if(BELAY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The base directory is the parent of the source tree, and the working directory is not hashed, so
  # that git worktrees lying side by side share their hits. The sloppiness is what ccache asks for
  # when precompiled headers are used; see its manual.
  cmake_path(GET PROJECT_SOURCE_DIR PARENT_PATH worktrees_dir)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_BASEDIR=${worktrees_dir}
      CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${BELAY_CCACHE})
endif()

include(CheckLinkerFlag)
foreach(linker IN ITEMS mold lld)
  check_linker_flag(CXX -fuse-ld=${linker} BELAY_HAS_${linker})
  if(BELAY_HAS_${linker})
    add_link_options(-fuse-ld=${linker})
    break()
  endif()
endforeach()
