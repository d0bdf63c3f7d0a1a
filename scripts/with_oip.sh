#!/usr/bin/env bash
# Runs a command with a Python beside it that has the clients of the Open Inference Protocol: tritonclient and kserve.
#
#   scripts/with_oip.sh bash -c '"$MVL_OIP_PYTHON" scripts/oip_conformance.py --server mvl'
#
# The command finds it as $MVL_OIP_PYTHON, which is taken as it is when it is set already. Otherwise a virtual environment is made in
# target/oip, once. With --peers, mlserver too is installed (target/mlserver) and named in $MVL_MLSERVER.
set -euo pipefail
peers=
if [ "${1:-}" = --peers ]; then
  peers=1
  shift
fi
[ $# -gt 0 ] || { echo "usage: scripts/with_oip.sh [--peers] COMMAND…" >&2; exit 2; }

root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
if [ -z "${MVL_OIP_PYTHON:-}" ]; then
  export MVL_OIP_PYTHON=$target/oip/bin/python
  if ! "$MVL_OIP_PYTHON" -c 'from importlib.metadata import version; version("kserve"); import tritonclient.http, ml_dtypes' 2>/dev/null; then
    python3 -m venv "$target/oip"
    "$target/oip/bin/pip" install --quiet 'tritonclient[all]==2.73.0' 'kserve==0.21.0'
  fi
fi
if [ -n "$peers" ] && [ -z "${MVL_MLSERVER:-}" ]; then
  export MVL_MLSERVER=$target/mlserver/bin/mlserver
  if [ ! -x "$MVL_MLSERVER" ]; then
    python3 -m venv "$target/mlserver"
    "$target/mlserver/bin/pip" install --quiet 'mlserver==1.7.*'
  fi
fi
exec "$@"
