# `cpack -G DEB`: the program as a Debian package with a service of its own (tools/packaging). Included after
# KithInstall; what authors of agents need is not in it.
if(KITH_FUZZ OR KITH_SANITIZE)
  return()
endif()
set(packaging ${CMAKE_SOURCE_DIR}/tools/packaging)

# With absolute paths, so never installed by `cmake --install`, which would put them outside of its prefix.
install(FILES ${packaging}/kith.service DESTINATION /usr/lib/systemd/system COMPONENT system EXCLUDE_FROM_ALL)
install(FILES ${packaging}/kith.env DESTINATION /etc/kith COMPONENT system EXCLUDE_FROM_ALL)
install(FILES LICENSE DESTINATION /usr/share/doc/kith COMPONENT system RENAME copyright EXCLUDE_FROM_ALL)
file(WRITE ${CMAKE_BINARY_DIR}/packaging/conffiles "/etc/kith/kith.env\n")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kith)
set(CPACK_PACKAGE_CONTACT "Kith developers <kith@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "runtime for agents that outlive their processes")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Kith runs agents as actors with durable mailboxes and state, on one node or
a cluster of them. This package has the program kith, and a systemd service
that runs one node as its own user.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# passwd: useradd; tzdata: the time zones of timers; the C library, C++ library and all else that is linked are found
# by dpkg-shlibdeps.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "passwd, init-system-helpers (>= 1.52), tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "systemd, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${packaging}/postinst ${packaging}/prerm ${packaging}/postrm
  ${CMAKE_BINARY_DIR}/packaging/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL runtime system)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_SET_DESTDIR ON) # /etc is not below the prefix
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
include(CPack)
