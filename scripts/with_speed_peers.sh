#!/usr/bin/env bash
# Runs a command with the Python servers beside it that ours is measured against: LitServe and MLServer, each with onnxruntime and Pillow.
#
#   scripts/with_speed_peers.sh python3 benches/serve_speed.py
#
# The command finds their Pythons as $MVL_LITSERVE_PYTHON and $MVL_MLSERVER_PYTHON, which are taken as they are when they are set already.
# Otherwise virtual environments are made in target/serve-peers, once. $ORT_DYLIB_PATH becomes the library of LitServe's onnxruntime unless it
# is set, so that all run the same one. MLServer 1.7 with parallel workers does not start with uvloop 0.22 and later.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: scripts/with_speed_peers.sh COMMAND…" >&2; exit 2; }

root=$(cd "$(dirname "$0")/.." && pwd)
peers=${CARGO_TARGET_DIR:-$root/target}/serve-peers
install() { # NAME IMPORTS PACKAGES…
  local python=$peers/$1/bin/python name=$1 imports=$2
  shift 2
  if ! "$python" -c "import $imports" 2>/dev/null; then
    python3 -m venv "$peers/$name"
    "$peers/$name/bin/pip" install --quiet "$@"
  fi
  echo "$python"
}
: "${MVL_LITSERVE_PYTHON:=$(install litserve litserve,onnxruntime,PIL 'litserve==0.2.19' 'onnxruntime>=1.22,<2' numpy Pillow)}"
: "${MVL_MLSERVER_PYTHON:=$(install mlserver mlserver,onnxruntime,PIL 'mlserver==1.7.*' 'uvloop<0.22' 'onnxruntime>=1.22,<2' Pillow)}"
if [ -z "${ORT_DYLIB_PATH:-}" ]; then
  find='import onnxruntime, pathlib; print(*sorted((pathlib.Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.*")), sep="\n")'
  ORT_DYLIB_PATH=$("$MVL_LITSERVE_PYTHON" -c "$find" | head -n 1)
fi
export MVL_LITSERVE_PYTHON MVL_MLSERVER_PYTHON ORT_DYLIB_PATH
exec "$@"
