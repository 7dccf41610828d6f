# 32-bit x86: pointers, size_t and long of 32 bits, 64-bit numbers aligned to 4 bytes, no SSE2. Runs as it is on x86-64.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR i686)
set(CMAKE_C_COMPILER gcc)
set(NAME m32)
set(TRIPLET i386-linux-gnu)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
# Not CMAKE_SYSROOT, which would take the folder out of the run path: programs run with the libraries that they were built
# against, and nothing of 32 bits has to be installed.
set(CMAKE_C_FLAGS_INIT "-m32 --sysroot=${WEFT_SYSROOT} -B${WEFT_SYSROOT}/usr/lib/gcc/i686-linux-gnu/12")
string(CONCAT _m32_link "-Wl,--dynamic-linker=${WEFT_SYSROOT}/lib/i386-linux-gnu/ld-linux.so.2"
  " -Wl,-rpath,${WEFT_SYSROOT}/lib/i386-linux-gnu:${WEFT_SYSROOT}/usr/lib/i386-linux-gnu")
set(CMAKE_EXE_LINKER_FLAGS_INIT "${_m32_link}")
