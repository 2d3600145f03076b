# SPDX-License-Identifier: GPL-2.0-or-later
# `lint`: formatting and static analysis of the C++ sources; of the tests too
# where they are part of the build (TCPOPT_TESTS). What was clean and has not
# changed since is not looked at again.
find_program(CLANG_FORMAT NAMES clang-format-14)
find_program(CLANG_TIDY NAMES clang-tidy-14)
if(NOT CLANG_FORMAT OR NOT CLANG_TIDY)
  add_custom_target(lint
    COMMAND ${CMAKE_COMMAND} -E echo "lint needs clang-format-14 and clang-tidy-14"
    COMMAND ${CMAKE_COMMAND} -E false VERBATIM)
  return()
endif()

set(top ${CMAKE_CURRENT_SOURCE_DIR}/..)
set(lint_stamps)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/lint)
file(GLOB_RECURSE linted CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/src/*.cpp ${CMAKE_CURRENT_SOURCE_DIR}/src/*.h
  ${top}/tests/unit/*.cpp ${top}/tests/unit/*.h
  ${top}/tests/bench/*.cpp ${top}/tests/bench/*.h
  ${top}/tests/mptcpstat/*.cpp ${top}/tests/mptcpstat/*.h)
# In the style of the kernel, as all that BPF programs include.
list(FILTER linted EXCLUDE REGEX /tests/bench/bpf/)

add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/lint/format.stamp
  COMMAND ${CLANG_FORMAT} --dry-run -Werror ${linted}
  COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/lint/format.stamp
  DEPENDS ${linted} ${top}/.clang-format
  COMMENT "clang-format" VERBATIM)
list(APPEND lint_stamps ${CMAKE_BINARY_DIR}/lint/format.stamp)

# lint_target(TARGET [CHECK...]): clang-tidy on what the compiler is given, which
# are the files in Unity/, that include sources, where several are compiled at once.
function(lint_target target)
  list(TRANSFORM ARGN PREPEND "," OUTPUT_VARIABLE checks)
  list(JOIN checks "" checks)
  get_target_property(sources ${target} SOURCES)
  get_target_property(directory ${target} SOURCE_DIR)
  get_target_property(binary_directory ${target} BINARY_DIR)
  get_target_property(unity ${target} UNITY_BUILD)
  get_target_property(batch ${target} UNITY_BUILD_BATCH_SIZE)
  if(unity)
    list(LENGTH sources count)
    math(EXPR last "(${count} + ${batch} - 1) / ${batch} - 1")
    set(units)
    foreach(index RANGE ${last})
      list(APPEND units ${binary_directory}/CMakeFiles/${target}.dir/Unity/unity_${index}_cxx.cxx)
    endforeach()
  else()
    list(TRANSFORM sources PREPEND ${directory}/ OUTPUT_VARIABLE units)
  endif()
  foreach(unit ${units})
    cmake_path(GET unit FILENAME name)
    set(stamp ${CMAKE_BINARY_DIR}/lint/${target}-${name}.stamp)
    add_custom_command(OUTPUT ${stamp}
      COMMAND ${CLANG_TIDY} -quiet -p ${CMAKE_BINARY_DIR} --config-file=${top}/.clang-tidy
              --checks=-bugprone-suspicious-include${checks} ${unit} 2> ${stamp}.log || (cat ${stamp}.log && false)
      COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
      DEPENDS ${linted} ${top}/.clang-tidy
      COMMENT "clang-tidy ${target} ${name}")
    list(APPEND lint_stamps ${stamp})
  endforeach()
  set(lint_stamps ${lint_stamps} PARENT_SCOPE)
endfunction()

lint_target(tcpopt-base)
lint_target(tcpopt)
lint_target(tcpopt-policy)
lint_target(tcpopt-loader)
lint_target(tcpoptctl)
lint_target(mptcpstat-core)
lint_target(mptcpstat)
lint_target(bench-options)
lint_target(bench-pm)
lint_target(bench-csf)
if(TARGET bench-mptcpd)
  lint_target(bench-mptcpd)
endif()
if(TCPOPT_TESTS)
  # What the macros of GoogleTest make would not pass these.
  foreach(target unit-tests mptcpstat-tests)
    lint_target(${target} -cert-err58-cpp -cppcoreguidelines-owning-memory
      -cppcoreguidelines-special-member-functions -readability-function-size
      -bugprone-unchecked-optional-access)
  endforeach()
  foreach(target mptcpstat-wire make-captures mptcpstat-replay)
    lint_target(${target})
  endforeach()
endif()
add_custom_target(lint DEPENDS ${lint_stamps})
