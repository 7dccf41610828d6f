# musl's headers in place of glibc's. Objects only: Debian has no yajl and no zlib that were built for musl.
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
get_filename_component(_musl "${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot/musl" ABSOLUTE)
# The folder has yajl's, zlib's and the kernel's headers alone: in /usr/include glibc's would be found, where musl has none.
set(CMAKE_C_FLAGS_INIT "-isystem ${_musl}/include")
set(ZLIB_INCLUDE_DIR "${_musl}/include" CACHE PATH "zlib.h, and nothing of glibc")
set(ZLIB_LIBRARY z CACHE STRING "named; nothing is linked")
