#!/bin/sh
# setup-tests.sh: the end-to-end tests' bed in .testbed/: a Python environment with real clients and one real engine,
# installed from a lock file. The hash of the lock is kept beside it, so that nothing is installed twice.
set -eu
cd "$(dirname "$0")/.."
lock=Tests/EndToEnd/requirements.lock
wanted=$(sha256sum "$lock" | cut -d ' ' -f 1)
[ "$(cat .testbed/lock.sha256 2>/dev/null || true)" = "$wanted" ] && exit 0

Scripts/install-packages.sh "the test bed" python3 python3-venv
echo "Installing the clients and the engine of the end-to-end tests into .testbed (350 MB, a minute) ..."
python=$(command -v python3.11 || command -v python3)
rm -rf .testbed
"$python" -m venv .testbed
.testbed/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile -r "$lock"
echo "$wanted" > .testbed/lock.sha256
