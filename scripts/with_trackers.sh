#!/usr/bin/env bash
# Runs a command with two trackers of runs beside it: an MLflow tracking server and Prometheus.
#
#   scripts/with_trackers.sh cargo test --release --workspace --test train tracking -- --nocapture
#
# Both listen on free ports of the loopback device, keep nothing, and are ended with the command. MLflow is put into target/trackers
# (pip) when it is not installed; Prometheus and its promtool are taken from the system (Debian: apt-get install prometheus), and
# without them the variables that name them are not set. The command finds them by
#   MVL_TEST_MLFLOW_URI       the tracking server
#   MVL_TEST_MLFLOW_PYTHON    a Python with MLflow's own client
#   MVL_TEST_PROMETHEUS_URI   Prometheus
#   MVL_TEST_PROMETHEUS_TARGETS  a file of targets (JSON) that Prometheus reads again within a second of every change
#   MVL_TEST_PROMTOOL         its promtool
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: scripts/with_trackers.sh COMMAND…" >&2; exit 2; }

root=$(cd "$(dirname "$0")/.." && pwd)
tools=${CARGO_TARGET_DIR:-$root/target}/trackers
work=$(mktemp -d)
servers=()
finish() {
  for server in "${servers[@]}"; do kill -- "$server" 2>/dev/null || true; done
  for server in "${servers[@]}"; do wait "${server#-}" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

python=$tools/venv/bin/python
if ! "$python" -c 'import mlflow' 2>/dev/null; then
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install --quiet 'mlflow>=3,<4'
fi

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { # name, address, log
  for _ in $(seq 1800); do
    if python3 - "$2" 2>/dev/null <<'ASK'
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
assert opener.open(sys.argv[1], timeout=1).status == 200
ASK
    then return; fi
    sleep 0.1
  done
  echo "$1 did not start within three minutes:" >&2
  cat "$3" >&2
  exit 1
}

mlflow_port=$(free_port)
# A group of its own: MLflow starts workers, which must end with it.
MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false setsid "$python" -m mlflow server --host 127.0.0.1 --port "$mlflow_port" --workers 1 \
  --backend-store-uri "sqlite:///$work/mlflow.db" --artifacts-destination "$work/artifacts" >"$work/mlflow.log" 2>&1 &
servers+=("-$!")
export MVL_TEST_MLFLOW_URI=http://127.0.0.1:$mlflow_port MVL_TEST_MLFLOW_PYTHON=$python MLFLOW_DISABLE_TELEMETRY=true
export NO_PROXY=127.0.0.1${NO_PROXY:+,$NO_PROXY} no_proxy=127.0.0.1${no_proxy:+,$no_proxy}

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
  prometheus_port=$(free_port)
  echo '[]' >"$work/targets.json"
  cat >"$work/prometheus.yml" <<SETTINGS
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: mvl
    file_sd_configs: [{ files: ["$work/targets.json"], refresh_interval: 1s }]
SETTINGS
  promtool check config --syntax-only "$work/prometheus.yml" >"$work/prometheus.log" 2>&1 || { cat "$work/prometheus.log" >&2; exit 1; }
  prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/prometheus" \
    --web.listen-address="127.0.0.1:$prometheus_port" >"$work/prometheus.log" 2>&1 &
  servers+=("$!")
  wait_for Prometheus "http://127.0.0.1:$prometheus_port/-/ready" "$work/prometheus.log"
  export MVL_TEST_PROMETHEUS_URI=http://127.0.0.1:$prometheus_port MVL_TEST_PROMETHEUS_TARGETS=$work/targets.json
  MVL_TEST_PROMTOOL=$(command -v promtool)
  export MVL_TEST_PROMTOOL
else
  echo "no prometheus and promtool here; Debian: apt-get install prometheus" >&2
fi
wait_for MLflow "$MVL_TEST_MLFLOW_URI/health" "$work/mlflow.log"

"$@"
