#!/usr/bin/env bash
# Runs a command with a Python beside it that reads what the tests write: PyPI's webdataset (with numpy and Pillow), tensorboard, and
# onnxruntime with onnx.
#
#   scripts/with_python.sh cargo test --release --workspace
#
# The command finds it as $MVL_PYTHON, which is taken as it is when it is set already. Otherwise a virtual environment is made
# in target/python, once.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: scripts/with_python.sh COMMAND…" >&2; exit 2; }

if [ -z "${MVL_PYTHON:-}" ]; then
  root=$(cd "$(dirname "$0")/.." && pwd)
  tools=${CARGO_TARGET_DIR:-$root/target}/python
  export MVL_PYTHON=$tools/bin/python
  if ! "$MVL_PYTHON" -c 'import webdataset, numpy, PIL, tensorboard, onnx, onnxruntime' 2>/dev/null; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet 'webdataset>=1,<2' numpy Pillow 'tensorboard>=2.20,<3' 'onnx>=1.16,<2' 'onnxruntime>=1.18,<2'
  fi
fi
exec "$@"
