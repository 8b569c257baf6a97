#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the build into a folder, compiles programs against both libraries through pkg-config, and runs them.
set -eu
build=$1 program=$2 mxnet_program=$3
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
DESTDIR=$root meson install -C "$build" --no-rebuild --quiet
pc=$(find "$root" -name cachedop.pc)
[ -n "$pc" ] || { echo "no cachedop.pc was installed"; exit 1; }
export PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_SYSROOT_DIR="$root"
library=$(find "$root" -name 'libcachedop.so.0')
[ -n "$library" ] || { echo "no libcachedop.so.0 was installed"; exit 1; }
# shellcheck disable=SC2046
${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror "$program" -o "$root/program" $(pkg-config --cflags --libs cachedop) -lpthread
LD_LIBRARY_PATH="${library%/*}" "$root/program"
# shellcheck disable=SC2046
${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror "$mxnet_program" -o "$root/mxnet_program" \
    $(pkg-config --cflags --libs cachedop-mxnet) -Wl,-rpath-link,"${library%/*}"
# Found beside each other, without help.
unset LD_LIBRARY_PATH
mkdir "$root/moved" && cp -P "${library%/*}"/libcachedop*.so* "$root/moved"
LD_LIBRARY_PATH="$root/moved" "$root/mxnet_program"
