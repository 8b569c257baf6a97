# SPDX-License-Identifier: Apache-2.0
# Sourced by the other scripts: which packages are needed, and installing those that are missing.

# To build the library and the example.
BUILD_PACKAGES="gcc libc6-dev meson ninja-build pkg-config cmake python3 libdnnl-dev libjansson-dev
libonnx-dev protobuf-compiler nanopb libnanopb-dev libstb-dev"
# To build and run the tests as well.
TEST_PACKAGES="check clang libclang-rt-14-dev g++ libonnx-testdata python3-numpy python3-onnx python3-pil
binutils strace"

# To measure what the tests reach.
COVERAGE_PACKAGES="gcovr"

# install_packages NAME...: asks before nothing, says what it does, uses sudo where that is needed.
install_packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "This is no Debian system: please see to it that these are there, under your system's names:"
        echo "   $*"
        return 0
    fi
    missing=""
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "Installing from Debian:$missing"
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "Neither root nor sudo: please install them yourself." >&2; return 1; }
        as_root=sudo
    fi
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # the list is meant to be split
    $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
        $as_root apt-get update -qq
        $as_root apt-get install -y -qq --no-install-recommends $missing
    }
}
