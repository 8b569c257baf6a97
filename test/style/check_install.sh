#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the build into a folder, compiles programs against both libraries through pkg-config, and runs them; and loads
# the library by the api.json beside it, where Python has what that needs.
set -eu
build=$1 program=$2 mxnet_program=$3 python=$4
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

[ "$(find "$root" -path '*/share/cachedop/api.json' | wc -l)" -eq 1 ] || { echo "no api.json was installed"; exit 1; }
if python3 -c 'import numpy' 2>/dev/null; then
    CACHEDOP_LIBRARY=$library PYTHONPATH=$python PYTHONDONTWRITEBYTECODE=1 \
        python3 -c 'import cachedop; assert cachedop.version()'
fi
