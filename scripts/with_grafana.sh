#!/usr/bin/env bash
# Runs a command with a Python beside it that reads Grafana's dashboards: PyPI's grafana-foundation-sdk.
#
#   scripts/with_grafana.sh scripts/check_monitoring.py target/release/mvl
#
# The command finds it as $MVL_DASHBOARD_PYTHON, which is taken as it is when it is set already. Otherwise a virtual environment is made in
# target/grafana, once; where that fails (no PyPI), the variable is not set.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: scripts/with_grafana.sh COMMAND…" >&2; exit 2; }

if [ -z "${MVL_DASHBOARD_PYTHON:-}" ]; then
  root=$(cd "$(dirname "$0")/.." && pwd)
  tools=${CARGO_TARGET_DIR:-$root/target}/grafana
  reads() { "$tools/bin/python" -c 'import grafana_foundation_sdk' 2>/dev/null; }
  if ! reads; then
    python3 -m venv "$tools" && "$tools/bin/pip" install --quiet 'grafana-foundation-sdk' || true
  fi
  if reads; then export MVL_DASHBOARD_PYTHON=$tools/bin/python; fi
fi
exec "$@"
