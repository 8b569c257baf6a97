#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every public header compiles alone, as C11, C17 and C++17, with no warning; none is longer than 250 lines.
set -eu
include=$1
for header in "$include"/cachedop/*.h; do
    name=cachedop/${header##*/}
    for standard in c11 c17 c++17; do
        case $standard in c++*) compiler=${CXX:-c++} language=c++ ;; *) compiler=${CC:-cc} language=c ;; esac
        echo "#include <$name>" | $compiler -x $language -std=$standard -Wall -Wextra -Wpedantic -Wundef -Werror \
            -I"$include" -fsyntax-only - || { echo "$name does not stand alone as $standard"; exit 1; }
    done
    [ "$(wc -l <"$header")" -le 250 ] || { echo "$name has more than 250 lines"; exit 1; }
done
