# Every library we use, found once, as an imported target. All of them are Debian packages
# (scripts/install-packages.sh); pkg-config where Debian ships no CMake file.

find_package(PkgConfig REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(CURL REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(simdjson REQUIRED)
find_package(spdlog REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)

foreach(package IN ITEMS re2 hiredis yaml-cpp prometheus-cpp-core)
  string(MAKE_C_IDENTIFIER ${package} name)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${package})
endforeach()

# Its -D_FILE_OFFSET_BITS=64 is the default on every 64-bit machine, and keeps the precompiled headers
# from being used.
set_property(TARGET PkgConfig::hiredis PROPERTY INTERFACE_COMPILE_OPTIONS "")

# re2 asks for -pthread, a macro more than the tests' precompiled header was made with: the targets
# that link re2 could not use it. Threads come from belay_options.
set_property(TARGET PkgConfig::re2 PROPERTY INTERFACE_COMPILE_OPTIONS "")

# Headers only: Asio and Beast, with C++20 coroutines.
add_library(belay_boost INTERFACE)
target_link_libraries(belay_boost INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(belay_boost INTERFACE
  BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_HAS_CO_AWAIT
  BOOST_ASIO_HAS_STD_COROUTINE)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" OR BELAY_SANITIZE MATCHES "thread")
  # Asio's fences are atomic_thread_fence, which TSan does not model.
  target_compile_definitions(belay_boost INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()

# Debian's cpp-httplib is a compiled library; its flags decide its layout. For peers that are ours: the
# demo's service, and the tests'.
pkg_check_modules(cpp_httplib REQUIRED IMPORTED_TARGET cpp-httplib)

if(BELAY_TESTS)
  find_package(GTest REQUIRED)
endif()
if(BELAY_BENCH)
  find_package(benchmark REQUIRED)
endif()
