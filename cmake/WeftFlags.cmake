# Warnings and sanitizers, as one interface target: weft_flags. Never part of what users get.
add_library(weft_flags INTERFACE)
target_compile_options(weft_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wformat=2 -Wundef -Wpointer-arith
  $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum>
  $<$<BOOL:${WEFT_WERROR}>:-Werror>)
if(CMAKE_C_COMPILER_ID MATCHES Clang)
  # clang counts the comma before an empty __VA_ARGS__ and statement expressions as extensions; the headers mean them.
  target_compile_options(weft_flags INTERFACE -Wno-gnu-zero-variadic-macro-arguments)
endif()
if(WEFT_SANITIZE STREQUAL "address")
  set(_weft_sanitize -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(WEFT_SANITIZE STREQUAL "thread")
  set(_weft_sanitize -fsanitize=thread -fno-omit-frame-pointer)
elseif(WEFT_SANITIZE)
  message(FATAL_ERROR "WEFT_SANITIZE is '${WEFT_SANITIZE}': accepted are address and thread")
endif()
if(_weft_sanitize)
  target_compile_options(weft_flags INTERFACE ${_weft_sanitize})
  target_link_options(weft_flags INTERFACE ${_weft_sanitize})
endif()
