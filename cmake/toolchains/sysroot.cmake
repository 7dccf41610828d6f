# What the toolchains share: NAME and TRIPLET say which unpacked libraries (scripts/install-portability) are built against.
get_filename_component(WEFT_SYSROOT "${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot/${NAME}" ABSOLUTE)
set(CMAKE_FIND_ROOT_PATH ${WEFT_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE ${TRIPLET})
# C++ is an option of the tests, and no C++ library was unpacked.
set(CMAKE_CXX_COMPILER "CMAKE_CXX_COMPILER-NOTFOUND" CACHE STRING "none")

# These are read by the tool itself.
set(ENV{PKG_CONFIG_LIBDIR} "${WEFT_SYSROOT}/usr/lib/${TRIPLET}/pkgconfig:${WEFT_SYSROOT}/usr/share/pkgconfig")
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${WEFT_SYSROOT}")
