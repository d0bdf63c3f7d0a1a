#!/usr/bin/env bash
# Runs a command with a Python beside it that reads what the tests write: PyPI's webdataset (with numpy and Pillow), tensorboard, and
# onnxruntime with onnx. The library in onnxruntime is what the engine `ort` runs on.
#
#   scripts/with_python.sh cargo test --release --workspace
#
# The command finds Python as $MVL_PYTHON, which is taken as it is when it is set already, and the library as $ORT_DYLIB_PATH, likewise.
# Otherwise a virtual environment is made in target/python, once.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: scripts/with_python.sh COMMAND…" >&2; exit 2; }

if [ -z "${MVL_PYTHON:-}" ]; then
  root=$(cd "$(dirname "$0")/.." && pwd)
  tools=${CARGO_TARGET_DIR:-$root/target}/python
  export MVL_PYTHON=$tools/bin/python
  if ! "$MVL_PYTHON" -c 'import webdataset, numpy, PIL, tensorboard, onnx, onnxruntime' 2>/dev/null; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet 'webdataset>=1,<2' numpy Pillow 'tensorboard>=2.20,<3' 'onnx>=1.16,<2' 'onnxruntime>=1.22,<2'
  fi
fi
if [ -z "${ORT_DYLIB_PATH:-}" ]; then
  find='import onnxruntime, pathlib; print(*sorted((pathlib.Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.*")), sep="\n")'
  if library=$("$MVL_PYTHON" -c "$find" | head -n 1) && [ -n "$library" ]; then
    export ORT_DYLIB_PATH=$library
  else
    echo "with_python.sh: $MVL_PYTHON has no onnxruntime: tests of the engine ort cannot run" >&2
  fi
fi
exec "$@"
