# belay_options: what every target of ours is compiled with. Third-party headers come in as system
# headers (imported targets), so the warnings are about our own code only.

find_package(Threads REQUIRED)

add_library(belay_options INTERFACE)
target_include_directories(belay_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_link_libraries(belay_options INTERFACE Threads::Threads)

target_compile_options(belay_options INTERFACE
  # Some packages ask for -pthread (RE2 does), which defines _REENTRANT: a precompiled header fits only
  # those who agree about it.
  -pthread
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Werror
  # __FILE__ reads "base/x.cc" wherever the tree lies, with and without ccache's relative paths.
  -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
  -fmacro-prefix-map=../../=)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # -fpch-preprocess lets ccache see through a precompiled header.
  # -Wrestrict, -Warray-bounds, -Wstringop-*: GCC 12 reports std::string's operator+ and its copies
  # in correct code (GCC bugs 105651 and 105329); clang and the sanitizers watch the real ones.
  # -Wmissing-field-initializers: every field has a default, so a designated initializer may stop
  # early; -Wextra of GCC warns even then.
  target_compile_options(belay_options INTERFACE
    -fpch-preprocess -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-missing-field-initializers)
else()
  target_compile_options(belay_options INTERFACE
    -Wno-missing-field-initializers -Wno-missing-designated-field-initializers
    -Wno-unknown-warning-option)
endif()

if(BELAY_NATIVE)
  target_compile_options(belay_options INTERFACE -march=native)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(belay_options INTERFACE _GLIBCXX_ASSERTIONS)
endif()

# Under -O3 or instrumentation GCC's flow analysis reports uninitialised values that are not (an
# std::optional's, mostly); the dev preset keeps the warning.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND (BELAY_SANITIZE OR NOT CMAKE_BUILD_TYPE STREQUAL "Debug"))
  target_compile_options(belay_options INTERFACE -Wno-maybe-uninitialized)
endif()

if(BELAY_SANITIZE)
  set(sanitize -fsanitize=${BELAY_SANITIZE})
  target_compile_options(belay_options INTERFACE
    ${sanitize} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(belay_options INTERFACE ${sanitize})
endif()
