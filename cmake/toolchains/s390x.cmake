# IBM Z: 64 bits, big-endian. Tests run under qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(CMAKE_C_COMPILER s390x-linux-gnu-gcc-12)
set(NAME s390x)
set(TRIPLET s390x-linux-gnu)
include(${CMAKE_CURRENT_LIST_DIR}/sysroot.cmake)
set(CMAKE_SYSROOT ${WEFT_SYSROOT})
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-s390x -L ${WEFT_SYSROOT})
