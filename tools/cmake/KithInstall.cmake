# What `cmake --install` puts into a prefix, for authors of agents: the program, the headers that they include, and
# two archives with a CMake package (docs/how-to/install.md). Included last: it looks at what the rooms link.
#
#   kith::kith  libkith.a, everything that kith::main needs    component development
#   kith::test  libkith_agent.a, what a test of an agent needs component development
#   bin/kith                                                   component runtime
#
# A room's archive is no product: there are many, and they name each other. So the objects of all of them are put
# into these two, once more and uncompiled, and only libraries from outside remain to be found by a user's CMake.
if(KITH_FUZZ OR KITH_SANITIZE)
  return() # instrumented objects are of no use to others
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Of what a target links, directly or not: the rooms that have objects, and the libraries from outside.
function(kith_link_closure target rooms_out outside_out)
  set(waiting ${target})
  set(rooms "")
  set(outside "")
  set(seen "")
  while(waiting)
    list(POP_FRONT waiting next)
    if(next IN_LIST seen OR next MATCHES "^::@")
      continue()
    endif()
    list(APPEND seen ${next})
    if(NOT next MATCHES "^kith_")
      list(APPEND outside ${next})
      continue()
    endif()
    get_target_property(type ${next} TYPE)
    set(property LINK_LIBRARIES)
    if(type STREQUAL INTERFACE_LIBRARY)
      set(property INTERFACE_LINK_LIBRARIES)
    else()
      list(APPEND rooms ${next})
    endif()
    get_target_property(linked ${next} ${property})
    if(linked)
      list(APPEND waiting ${linked})
    endif()
  endwhile()
  # Only headers, and in no header of ours that is installed.
  list(REMOVE_ITEM outside Boost::headers CLI11::CLI11)
  set(${rooms_out} ${rooms} PARENT_SCOPE)
  set(${outside_out} ${outside} PARENT_SCOPE)
endfunction()

# kith_archive(file target ROOMS ... OUTSIDE ...): lib<file>.a of the rooms' objects, installed as kith::<target>.
function(kith_archive file target)
  cmake_parse_arguments(A "" "" "ROOMS;OUTSIDE" ${ARGN})
  set(objects "")
  foreach(room ${A_ROOMS})
    list(APPEND objects $<TARGET_OBJECTS:${room}>)
  endforeach()
  add_library(archive_${target} STATIC ${objects})
  set_target_properties(archive_${target} PROPERTIES LINKER_LANGUAGE CXX OUTPUT_NAME ${file} EXPORT_NAME ${target}
    ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
  target_compile_features(archive_${target} INTERFACE cxx_std_20)
  target_include_directories(archive_${target} INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/kith-internal>)
  target_link_libraries(archive_${target} INTERFACE ${A_OUTSIDE})
  install(TARGETS archive_${target} EXPORT kith_targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
endfunction()

kith_link_closure(kith_actors_agent agent_rooms agent_outside)
kith_link_closure(kith_tools_kith_program all_rooms all_outside)
list(REMOVE_ITEM all_rooms ${agent_rooms})
kith_archive(kith_agent test ROOMS ${agent_rooms} OUTSIDE ${agent_outside})
kith_archive(kith kith ROOMS ${all_rooms} OUTSIDE archive_test ${all_outside})

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/kith)
install(EXPORT kith_targets NAMESPACE kith:: FILE kith-targets.cmake DESTINATION ${config_dir} COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/kith-config.cmake.in ${CMAKE_BINARY_DIR}/kith-config.cmake
  INSTALL_DESTINATION ${config_dir} NO_SET_AND_CHECK_MACRO)
# Until 1.0 a minor version may change what authors see.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/kith-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/kith-config.cmake ${CMAKE_BINARY_DIR}/kith-config-version.cmake
              ${CMAKE_CURRENT_LIST_DIR}/FindCAF.cmake
  DESTINATION ${config_dir} COMPONENT development)

# Which headers are public is seen when they are installed: they may have changed since this was configured.
install(CODE "
set(source ${CMAKE_SOURCE_DIR})
set(destination ${CMAKE_INSTALL_INCLUDEDIR})
include(${CMAKE_CURRENT_LIST_DIR}/KithHeaders.cmake)" COMPONENT development)

install(TARGETS kith_bin RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
install(FILES README.md LICENSE CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime FILES_MATCHING PATTERN *.md)
