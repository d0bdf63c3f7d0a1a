#!/usr/bin/env bash
# Runs a command with two object stores beside it: one that speaks S3 (moto) and one that speaks Azure's protocol (azurite).
#
#   scripts/with_stores.sh cargo test --release -p mvl-data --features remote --test stores
#
# Both listen on free ports of the loopback device, keep nothing, and are ended with the command. What is not installed is put
# into target/stores (pip and npm). The command finds them by MVL_TEST_S3_ENDPOINT and MVL_TEST_AZURE_ENDPOINT, and by the
# variables that programs read: AWS_* and AZURE_*. A bucket and a container "mvl-test" are there.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: scripts/with_stores.sh COMMAND…" >&2; exit 2; }

root=$(cd "$(dirname "$0")/.." && pwd)
tools=${CARGO_TARGET_DIR:-$root/target}/stores
work=$(mktemp -d)
servers=()
finish() {
  for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; done
  for server in "${servers[@]}"; do wait "$server" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

moto=$(command -v moto_server || echo "$tools/venv/bin/moto_server")
if [ ! -x "$moto" ]; then
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install --quiet 'moto[server]>=5,<6'
fi
azurite=$(command -v azurite-blob || echo "$tools/node_modules/.bin/azurite-blob")
[ -x "$azurite" ] || npm install --silent --no-audit --no-fund --prefix "$tools" azurite@3

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
s3_port=$(free_port)
azure_port=$(free_port)

"$moto" -H 127.0.0.1 -p "$s3_port" >"$work/s3.log" 2>&1 &
servers+=($!)
"$azurite" --disableTelemetry --skipApiVersionCheck --silent --inMemoryPersistence \
  --blobHost 127.0.0.1 --blobPort "$azure_port" >"$work/azure.log" 2>&1 &
servers+=($!)

wait_for() { # name, port, log
  for _ in $(seq 300); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; then return; fi
    sleep 0.1
  done
  echo "the $1 store did not start within 30 s:" >&2
  cat "$3" >&2
  exit 1
}
wait_for S3 "$s3_port" "$work/s3.log"
wait_for Azure "$azure_port" "$work/azure.log"

export MVL_TEST_S3_ENDPOINT=http://127.0.0.1:$s3_port
export AWS_ENDPOINT_URL=$MVL_TEST_S3_ENDPOINT AWS_ALLOW_HTTP=true AWS_REGION=us-east-1
export AWS_ACCESS_KEY_ID=mvl-test AWS_SECRET_ACCESS_KEY=mvl-test
export MVL_TEST_AZURE_ENDPOINT=http://127.0.0.1:$azure_port/devstoreaccount1
export AZURE_STORAGE_ENDPOINT=$MVL_TEST_AZURE_ENDPOINT AZURE_ALLOW_HTTP=true
# Azurite's account and key are the same everywhere, and public.
export AZURE_STORAGE_ACCOUNT_NAME=devstoreaccount1
export AZURE_STORAGE_ACCOUNT_KEY=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==
export NO_PROXY=127.0.0.1${NO_PROXY:+,$NO_PROXY} no_proxy=127.0.0.1${no_proxy:+,$no_proxy}

python3 - <<'MAKE'
import base64, email.utils, hashlib, hmac, os, urllib.request

def put(url, headers):
    request = urllib.request.Request(url, method="PUT", data=b"", headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        assert answer.status in (200, 201), answer.status

put(os.environ["MVL_TEST_S3_ENDPOINT"] + "/mvl-test", {"Authorization": "AWS4-HMAC-SHA256 Credential=mvl-test/20200101/us-east-1/s3/aws4_request"})

# Azure's "Shared Key": the verb, eleven empty headers, x-ms-* headers, and the path with the account before it.
account = os.environ["AZURE_STORAGE_ACCOUNT_NAME"]
headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
named = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
content_type = "application/octet-stream"
text = f"PUT\n\n\n\n\n{content_type}\n\n\n\n\n\n\n{named}/{account}/{account}/mvl-test\nrestype:container"
key = base64.b64decode(os.environ["AZURE_STORAGE_ACCOUNT_KEY"])
signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
headers |= {"Authorization": f"SharedKey {account}:{signature}", "Content-Type": content_type}
put(os.environ["MVL_TEST_AZURE_ENDPOINT"] + "/mvl-test?restype=container", headers)
MAKE

"$@"
