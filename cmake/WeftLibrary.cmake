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

file(GLOB WEFT_SOURCES CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/src/*/*.c
  ${CMAKE_CURRENT_SOURCE_DIR}/sinks/*.c
  ${CMAKE_CURRENT_SOURCE_DIR}/sinks/kit/*.c)

add_library(weft_objects OBJECT ${WEFT_SOURCES})
target_include_directories(weft_objects
  PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR})
target_include_directories(weft_objects SYSTEM PRIVATE ${YAJL_INCLUDE_DIRS} ${ZLIB_INCLUDE_DIRS})
target_compile_definitions(weft_objects PRIVATE _GNU_SOURCE WEFT_VERSION_TEXT="${PROJECT_VERSION}")
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
# In an installed tree weftConfig.cmake makes these two.
target_link_libraries(weft_static INTERFACE $<INSTALL_INTERFACE:weft::yajl> $<INSTALL_INTERFACE:weft::zlib>)

foreach(_target weft weft_static)
  target_include_directories(${_target} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  if(CMAKE_THREAD_LIBS_INIT)
    target_link_libraries(${_target} INTERFACE ${CMAKE_THREAD_LIBS_INIT}) # headers name pthread types
  endif()
endforeach()
add_library(weft::weft ALIAS weft)
add_library(weft::weft_static ALIAS weft_static)
