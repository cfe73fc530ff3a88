# What `cmake --install` puts where: the program, its unit, its manual, completion of its command line,
# and an example configuration. The folders are those of GNUInstallDirs.
#
# Files that name other files are made at install time, since `cmake --install --prefix` may change them.
include(GNUInstallDirs)
set(PGMOAT_SYSTEMD_DIR lib/systemd/system CACHE STRING "Folder of the units, below the prefix")
set(PGMOAT_SYSUSERS_DIR lib/sysusers.d CACHE STRING "Folder of the sysusers file, below the prefix")

install(TARGETS pgmoat RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(DIRECTORY deploy/config/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/config FILES_MATCHING PATTERN "*.conf")
install(DIRECTORY deploy/prometheus deploy/grafana deploy/sql DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES deploy/systemd/credentials.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/systemd)
install(FILES deploy/systemd/pgmoat.socket DESTINATION ${PGMOAT_SYSTEMD_DIR})
install(FILES deploy/completion/pgmoat.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
  RENAME pgmoat)
install(FILES deploy/systemd/pgmoat.sysusers DESTINATION ${PGMOAT_SYSUSERS_DIR} RENAME pgmoat.conf)

install(DIRECTORY deploy/docs DESTINATION ${CMAKE_INSTALL_DOCDIR})

# systemd 253 waits for the answer to a reload; before, a check in front of the signal tells what is wrong.
# The shell's own kill: Debian's program of that name is in procps, which a bare machine has not.
pkg_check_modules(systemd QUIET systemd)
set(PGMOAT_SYSTEMD_VERSION "${systemd_VERSION}" CACHE STRING "Version of systemd that the unit is for")
set(notify_lines "Type=notify\nExecReload={{sbindir}}/pgmoat check --config {{sysconfdir}}/pgmoat/pgmoat.conf\nExecReload=/bin/sh -c 'kill -HUP $MAINPID'")
if(PGMOAT_SYSTEMD_VERSION AND PGMOAT_SYSTEMD_VERSION VERSION_GREATER_EQUAL 253)
  set(notify_lines "Type=notify-reload\nExecReload={{sbindir}}/pgmoat check --config {{sysconfdir}}/pgmoat/pgmoat.conf")
endif()

set(unit ${CMAKE_CURRENT_BINARY_DIR}/pgmoat.service)
install(CODE "
  set(sysconfdir \"${CMAKE_INSTALL_SYSCONFDIR}\")
  if(NOT IS_ABSOLUTE \"\${sysconfdir}\")
    set(sysconfdir \"\${CMAKE_INSTALL_PREFIX}/\${sysconfdir}\")
    if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
      set(sysconfdir \"/${CMAKE_INSTALL_SYSCONFDIR}\")
    endif()
  endif()
  file(READ \"${CMAKE_SOURCE_DIR}/deploy/systemd/pgmoat.service.in\" text)
  string(REPLACE \"{{notify_lines}}\" [==[${notify_lines}]==] text \"\${text}\")
  string(REPLACE \"{{sbindir}}\" \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\" text \"\${text}\")
  string(REPLACE \"{{sysconfdir}}\" \"\${sysconfdir}\" text \"\${text}\")
  file(WRITE \"${unit}\" \"\${text}\")")
install(FILES ${unit} DESTINATION ${PGMOAT_SYSTEMD_DIR})

# The manual needs scdoc; without it everything else is installed all the same.
find_program(PGMOAT_SCDOC scdoc)
if(PGMOAT_SCDOC)
  set(man_folder ${CMAKE_CURRENT_BINARY_DIR}/man)
  file(MAKE_DIRECTORY ${man_folder})
  function(pgmoat_page page command)
    add_custom_command(OUTPUT ${man_folder}/${page} DEPENDS ${ARGN} VERBATIM WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      COMMAND sh -c "${command} | ${PGMOAT_SCDOC} >${man_folder}/${page}")
    string(REGEX REPLACE ".*\\." "" section ${page})
    install(FILES ${man_folder}/${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endfunction()
  foreach(page pgmoat.1 pgmoat.conf.5)
    pgmoat_page(${page} "sed s/@version@/${PROJECT_VERSION}/ deploy/man/${page}.scd" deploy/man/${page}.scd)
  endforeach()
  pgmoat_page(pgmoat-metrics.7 "awk -v version=${PROJECT_VERSION} -f deploy/man/metrics.awk metrics/README.md"
    deploy/man/metrics.awk metrics/README.md)
  add_custom_target(man ALL DEPENDS ${man_folder}/pgmoat.1 ${man_folder}/pgmoat.conf.5 ${man_folder}/pgmoat-metrics.7)
else()
  message(STATUS "scdoc not found: no man pages")
endif()
