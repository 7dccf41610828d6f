# The library, shared and static, from one list of sources. Both are always built: BUILD_SHARED_LIBS changes nothing.
#
# What it links is named by path and not by imported target: imported targets are visible in one folder only, and a
# project that adds weft by add_subdirectory would have to find them again.
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(YAJL REQUIRED IMPORTED_TARGET yajl>=2.1)
if(ZLIB_LIBRARY_RELEASE)
  set(_weft_links ${YAJL_LINK_LIBRARIES} ${ZLIB_LIBRARY_RELEASE})
else()
  set(_weft_links ${YAJL_LINK_LIBRARIES} ${ZLIB_LIBRARIES})
endif()

# weft_codec(NAME module header symbol): a compression library that the library takes where it is there and links. Sets
# WEFT_WITH_NAME to 1 or 0. A module that is there for another machine than the compiler's does not link.
include(CheckSymbolExists)
option(WEFT_ISAL "Compress rotated files with ISA-L where it is found (else zlib)" ON)
option(WEFT_ZSTD "Offer compress=zstd where libzstd is found" ON)
set(WEFT_PC_CODECS "")
set(_weft_codec_includes "")
function(weft_codec name module header symbol)
  set(WEFT_WITH_${name} 0)
  if(WEFT_${name})
    pkg_check_modules(${name} QUIET ${module})
    if(${name}_FOUND)
      set(CMAKE_REQUIRED_LIBRARIES ${${name}_LINK_LIBRARIES})
      set(CMAKE_REQUIRED_INCLUDES ${${name}_INCLUDE_DIRS})
      set(CMAKE_REQUIRED_QUIET ON)
      check_symbol_exists(${symbol} ${header} WEFT_${name}_LINKS)
      if(WEFT_${name}_LINKS)
        set(WEFT_WITH_${name} 1)
        set(_weft_links ${_weft_links} ${${name}_LINK_LIBRARIES} PARENT_SCOPE)
        set(_weft_codec_includes ${_weft_codec_includes} ${${name}_INCLUDE_DIRS} PARENT_SCOPE)
        set(WEFT_PC_CODECS "${WEFT_PC_CODECS}, ${module}" PARENT_SCOPE)
      endif()
    endif()
  endif()
  set(WEFT_WITH_${name} ${WEFT_WITH_${name}} PARENT_SCOPE)
endfunction()
weft_codec(ISAL libisal isa-l/igzip_lib.h isal_deflate)
weft_codec(ZSTD libzstd zstd.h ZSTD_compressStream2)

file(GLOB WEFT_SOURCES CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/src/*/*.c
  ${CMAKE_CURRENT_SOURCE_DIR}/sinks/*.c
  ${CMAKE_CURRENT_SOURCE_DIR}/sinks/kit/*.c)

add_library(weft_objects OBJECT ${WEFT_SOURCES})
target_include_directories(weft_objects
  PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR})
target_include_directories(weft_objects SYSTEM PRIVATE ${YAJL_INCLUDE_DIRS} ${ZLIB_INCLUDE_DIRS} ${_weft_codec_includes})
target_compile_definitions(weft_objects PRIVATE _GNU_SOURCE WEFT_VERSION_TEXT="${PROJECT_VERSION}"
  $<$<BOOL:${WEFT_WITH_ISAL}>:WEFT_WITH_ISAL> $<$<BOOL:${WEFT_WITH_ZSTD}>:WEFT_WITH_ZSTD>)
target_link_libraries(weft_objects PRIVATE weft_flags)
set_target_properties(weft_objects PROPERTIES
  C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
  C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON
  # One object file a source: file-static names may repeat, and __COUNTER__ or #undef games are not ours to play.
  UNITY_BUILD OFF)
# One thread-local slot, reached without a call; under 256 bytes, so that dlopen still works.
target_compile_options(weft_objects PRIVATE -ftls-model=initial-exec)

add_library(weft SHARED $<TARGET_OBJECTS:weft_objects>)
add_library(weft_static STATIC $<TARGET_OBJECTS:weft_objects>)
set_target_properties(weft PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE C)
set_target_properties(weft_static PROPERTIES OUTPUT_NAME weft LINKER_LANGUAGE C)
# nodelete: a plug-in that brought weft in may be unloaded; weft's threads, exit handler and thread-local slot stay.
target_link_options(weft PRIVATE -Wl,-z,nodelete -Wl,-z,now -Wl,-z,relro)
target_link_libraries(weft PRIVATE ${_weft_links} ${CMAKE_THREAD_LIBS_INIT} $<BUILD_INTERFACE:weft_flags>)
if(WEFT_TOP AND NOT WEFT_SANITIZE AND NOT WEFT_FUZZ)
  target_link_options(weft PRIVATE -Wl,-z,defs -Wl,--as-needed) # sanitizers leave symbols for the program to bring
endif()
foreach(_link IN LISTS _weft_links)
  target_link_libraries(weft_static INTERFACE $<BUILD_INTERFACE:${_link}>)
endforeach()
# In an installed tree weftConfig.cmake makes these.
target_link_libraries(weft_static INTERFACE $<INSTALL_INTERFACE:weft::yajl> $<INSTALL_INTERFACE:weft::zlib>)
foreach(_codec ISAL ZSTD)
  if(WEFT_WITH_${_codec})
    string(TOLOWER ${_codec} _codec)
    target_link_libraries(weft_static INTERFACE $<INSTALL_INTERFACE:weft::${_codec}>)
  endif()
endforeach()

foreach(_target weft weft_static)
  target_include_directories(${_target} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  if(CMAKE_THREAD_LIBS_INIT)
    target_link_libraries(${_target} INTERFACE ${CMAKE_THREAD_LIBS_INIT}) # headers name pthread types
  endif()
endforeach()
add_library(weft::weft ALIAS weft)
add_library(weft::weft_static ALIAS weft_static)
