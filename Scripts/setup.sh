#!/bin/sh
# setup.sh: what the build needs: a Swift toolchain, which it asks for, and the C libraries, which it installs.
set -eu
cd "$(dirname "$0")/.."

where="Get Swift 6.2 or newer from https://www.swift.org/install and try again."
if ! command -v swift >/dev/null 2>&1; then
    echo "There is no Swift toolchain on the PATH. $where" >&2
    exit 1
fi
version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
case $version in
    [0-5].* | 6.[01])
        echo "Swift $version is too old. $where" >&2
        exit 1 ;;
esac

Scripts/install-packages.sh "the build" pkg-config libuv1-dev libsqlite3-dev libcurl4-openssl-dev libpcre2-dev \
    libyaml-dev libssl-dev zlib1g-dev
