# belay_library(NAME [SOURCES a.cc ...] [LINK target ...] [PCH <header> ...])
# A static library, or an interface one while it has no sources. What it links, its users see too.
function(belay_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK;PCH")
  if(NOT arg_SOURCES)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_LINK})
    return()
  endif()
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE belay_options PUBLIC ${arg_LINK})
  if(arg_PCH AND BELAY_PCH)
    target_precompile_headers(${name} PRIVATE ${arg_PCH})
  endif()
endfunction()

# Seconds until ctest gives a test up. Code that a sanitizer watches is slow: by how much, only this
# says, and kSlowness of tests/support/eventually.h for what a test waits for.
set(BELAY_TEST_SECONDS 120)
set(BELAY_KILL_TEST_SECONDS 900)
if(BELAY_SANITIZE)
  set(BELAY_TEST_SLOWNESS 5)
  math(EXPR BELAY_TEST_SECONDS "${BELAY_TEST_SECONDS} * ${BELAY_TEST_SLOWNESS}")
  math(EXPR BELAY_KILL_TEST_SECONDS "${BELAY_KILL_TEST_SECONDS} * ${BELAY_TEST_SLOWNESS}")
endif()

# belay_test(NAME [SOURCES a_test.cc ...] [LINK target ...] [NO_PCH])
# One GoogleTest executable, its tests known to ctest one by one under the label NAME. Paths come
# from tests/support/paths.h. Without sources it declares nothing.
function(belay_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NO_PCH" "" "SOURCES;LINK")
  if(NOT arg_SOURCES)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE
    belay_options ${arg_LINK} belay_test_support GTest::gmock GTest::gtest_main)
  if(BELAY_PCH AND NOT arg_NO_PCH)
    target_precompile_headers(${name} REUSE_FROM belay_test_pch)
  endif()
  gtest_discover_tests(${name}
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${BELAY_TEST_SECONDS} LABELS ${name})
endfunction()

# belay_bench(NAME [SOURCES a_bench.cc ...] [LINK target ...]): one Google Benchmark executable.
function(belay_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  if(NOT arg_SOURCES)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE belay_options ${arg_LINK} benchmark::benchmark_main)
endfunction()
