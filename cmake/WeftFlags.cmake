# Warnings and sanitizers, as one interface target: weft_flags. Never part of what users get.
add_library(weft_flags INTERFACE)
if(WEFT_TOP)
  target_compile_options(weft_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wformat=2 -Wundef -Wpointer-arith
    $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum>)
  if(CMAKE_C_COMPILER_ID MATCHES Clang)
    # clang counts the comma before an empty __VA_ARGS__ as an extension; the headers mean it.
    target_compile_options(weft_flags INTERFACE -Wno-gnu-zero-variadic-macro-arguments)
  endif()
else()
  # The outer project's warnings and its -Werror were chosen for its own sources.
  target_compile_options(weft_flags INTERFACE -w)
endif()
# Where long has 32 bits: files of more than 2 GB, times after 2038. (Where it has 64, both are so anyway.)
target_compile_definitions(weft_flags INTERFACE _FILE_OFFSET_BITS=64 _TIME_BITS=64)
if(WEFT_WERROR)
  target_compile_options(weft_flags INTERFACE -Werror)
endif()

if(WEFT_SANITIZE STREQUAL "address")
  set(_weft_sanitize -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(WEFT_SANITIZE STREQUAL "thread")
  set(_weft_sanitize -fsanitize=thread -fno-omit-frame-pointer)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # TSan does not follow fences: where one orders what is not atomic as well, TSan says so by a report.
    list(APPEND _weft_sanitize -Wno-tsan)
  endif()
elseif(WEFT_SANITIZE)
  message(FATAL_ERROR "WEFT_SANITIZE is '${WEFT_SANITIZE}': accepted are address and thread")
endif()
if(WEFT_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "WEFT_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang")
  endif()
  # The targets add -fsanitize=fuzzer themselves; the library is only instrumented for coverage.
  list(APPEND _weft_sanitize -fsanitize=fuzzer-no-link)
endif()
if(_weft_sanitize)
  target_compile_options(weft_flags INTERFACE ${_weft_sanitize})
  target_link_options(weft_flags INTERFACE ${_weft_sanitize})
endif()
