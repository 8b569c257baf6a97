#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every public header compiles alone, as C11, C17 and C++17, with no warning; none is longer than 250 lines.
set -eu
include=$1
for header in $(cd "$include" && find cachedop mxnet nnvm -name '*.h' | sort); do
    for standard in c11 c17 c++17; do
        case $standard in c++*) compiler=${CXX:-c++} language=c++ ;; *) compiler=${CC:-cc} language=c ;; esac
        echo "#include <$header>" | $compiler -x $language -std=$standard -Wall -Wextra -Wpedantic -Wundef -Werror \
            -I"$include" -fsyntax-only - || { echo "$header does not stand alone as $standard"; exit 1; }
    done
    [ "$(wc -l <"$include/$header")" -le 250 ] || { echo "$header has more than 250 lines"; exit 1; }
done
