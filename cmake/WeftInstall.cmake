# cmake --install: headers, both libraries, weft.pc, and weftConfig.cmake for find_package(weft).
include(CMakePackageConfigHelpers)

install(DIRECTORY include/weft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev FILES_MATCHING PATTERN "*.h")
install(TARGETS weft EXPORT weftTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT dev)
install(TARGETS weft_static EXPORT weftStaticTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)

set(_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
# Two files: who links the shared library needs neither yajl nor zlib to be found.
install(EXPORT weftTargets NAMESPACE weft:: DESTINATION ${_config_dir} COMPONENT dev)
install(EXPORT weftStaticTargets NAMESPACE weft:: DESTINATION ${_config_dir} COMPONENT dev)
configure_package_config_file(cmake/weftConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/cmake/weftConfig.cmake
  INSTALL_DESTINATION ${_config_dir})
# Until 1.0 a minor release may break source compatibility.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/cmake/weftConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cmake/weftConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/cmake/weftConfigVersion.cmake
  DESTINATION ${_config_dir} COMPONENT dev)

# weft.pc finds its own prefix, so that an installed tree may be moved; absolute folders stay as they are.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(WEFT_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
  set(WEFT_PC_LIBDIR "${CMAKE_INSTALL_LIBDIR}")
else()
  file(RELATIVE_PATH WEFT_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" WEFT_PC_PREFIX "\${pcfiledir}/${WEFT_PC_PREFIX}")
  set(WEFT_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(WEFT_PC_INCLUDEDIR "${CMAKE_INSTALL_INCLUDEDIR}")
else()
  set(WEFT_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/weft.pc.in ${CMAKE_CURRENT_BINARY_DIR}/cmake/weft.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cmake/weft.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
