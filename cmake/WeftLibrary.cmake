# The library, shared and static, from one list of sources.
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(YAJL REQUIRED IMPORTED_TARGET yajl>=2.1)

file(GLOB WEFT_SOURCES CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/src/*/*.c
  ${CMAKE_CURRENT_SOURCE_DIR}/sinks/*.c
  ${CMAKE_CURRENT_SOURCE_DIR}/sinks/kit/*.c)

add_library(weft_objects OBJECT ${WEFT_SOURCES})
target_include_directories(weft_objects PUBLIC
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_definitions(weft_objects PRIVATE _GNU_SOURCE WEFT_VERSION_TEXT="${PROJECT_VERSION}")
target_link_libraries(weft_objects PRIVATE PkgConfig::YAJL ZLIB::ZLIB Threads::Threads $<BUILD_INTERFACE:weft_flags>)
set_target_properties(weft_objects PROPERTIES
  C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
  C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
# One thread-local slot, reached without a call; under 256 bytes, so that dlopen still works.
target_compile_options(weft_objects PRIVATE -ftls-model=initial-exec)

add_library(weft SHARED $<TARGET_OBJECTS:weft_objects>)
add_library(weft_static STATIC $<TARGET_OBJECTS:weft_objects>)
set_target_properties(weft PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
set_target_properties(weft_static PROPERTIES OUTPUT_NAME weft)
target_link_options(weft PRIVATE -Wl,-z,nodelete -Wl,-z,now -Wl,-z,relro)
foreach(_target weft weft_static)
  target_include_directories(${_target} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${_target} PRIVATE PkgConfig::YAJL ZLIB::ZLIB $<BUILD_INTERFACE:weft_flags>
    PUBLIC Threads::Threads)
endforeach()
add_library(weft::weft ALIAS weft)
add_library(weft::weft_static ALIAS weft_static)
