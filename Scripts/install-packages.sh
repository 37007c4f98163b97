#!/bin/sh
# install-packages.sh WHAT-FOR PACKAGE...: installs those of the Debian packages that are missing, and says which.
set -eu
reason=$1
shift

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "This is not a Debian system. $reason needs what Debian calls: $*"
    echo "Install them in your system's way; the build finds them through pkg-config."
    exit 0
fi

missing=
for package in "$@"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root=sudo
else
    echo "$reason needs these Debian packages, and only root can install them:$missing" >&2
    echo "Ask for: apt-get install$missing" >&2
    exit 1
fi

echo "Installing for $reason:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
