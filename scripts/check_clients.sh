#!/usr/bin/env bash
# Validates the OpenAPI document by a public validator, makes clients of it by public generators, and asks a running `mvl serve` with them:
# a Python package (openapi-python-client, scripts/clients/try.py) and types for openapi-fetch (openapi-typescript, scripts/clients/try.ts).
#
#   scripts/check_clients.sh target/release/mvl     # tools go into target/clients, once; needs python3, node and npm
#
# The server has a small model and an identity model, and wants keys. The last line is the verdict; 69 is the status where the tools cannot be
# installed.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: scripts/check_clients.sh MVL" >&2; exit 2; }

root=$(cd "$(dirname "$0")/.." && pwd)
mvl=$(realpath "$1")
document=$root/crates/mvl-serve/openapi.json
tools=${CARGO_TARGET_DIR:-$root/target}/clients
work=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT

mkdir -p "$tools"
cd "$tools"
install() {
  if ! python/bin/python -c 'import openapi_spec_validator, openapi_python_client, PIL' 2>/dev/null; then
    rm -rf python
    python3 -m venv python
    python/bin/pip install --quiet 'openapi-spec-validator<1' 'openapi-python-client<1' ruff Pillow || return 1
  fi
  if [ ! -x node_modules/.bin/tsc ] || [ ! -d node_modules/openapi-fetch ]; then
    npm init -y > /dev/null
    npm install --silent --no-audit --no-fund typescript@5 @types/node@20 openapi-typescript@7 openapi-fetch@0 || return 1
  fi
}
install || { echo "SKIPPED: the generators cannot be installed from PyPI and npm" >&2; exit 69; }

# The document, and what the generators make of it.
python=$tools/python/bin/python
"$python" -c 'import json, sys; from openapi_spec_validator import validate; validate(json.load(open(sys.argv[1])))' "$document"
PATH=$tools/python/bin:$PATH openapi-python-client generate --path "$document" --output-path "$work/mvl_client" --meta none \
  --fail-on-warning > "$work/python.log" 2>&1 || { cat "$work/python.log" >&2; exit 1; }
node_modules/.bin/openapi-typescript "$document" -o "$work/schema.d.ts" > "$work/typescript.log"
cp "$root/scripts/clients/try.py" "$root/scripts/clients/try.ts" "$work"
ln -s "$tools/node_modules" "$work/node_modules"
cat > "$work/package.json" <<< '{ "type": "module" }'
cat > "$work/tsconfig.json" <<'JSON'
{
  "compilerOptions": {
    "strict": true, "skipLibCheck": true, "module": "esnext", "moduleResolution": "bundler",
    "target": "es2022", "lib": ["es2022", "dom"], "types": ["node"]
  },
  "files": ["try.ts"]
}
JSON
cd "$work"
node_modules/.bin/tsc

# A server that asks for keys: one key may do everything, the other may not manage.
read -r all < <("$mvl" keys new keys.toml all --scope infer --scope read --scope manage)
read -r some < <("$mvl" keys new keys.toml some)
export MVL_TRY_KEY=$all MVL_TRY_KEY_WITHOUT_MANAGE=$some
"$mvl" serve clothes="$root/examples/assets/clothes" echo=identity:FP32 --keys keys.toml --address 127.0.0.1:0 --drain 0 --json \
  > served.json 2> served.log &
server=$!
for _ in $(seq 300); do
  if grep -q '}' served.json; then break; fi
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
grep -q '}' served.json || { echo "the server did not start:" >&2; cat served.log >&2; exit 1; }
MVL_TRY_ADDRESS=$("$python" -c 'import json; print(json.load(open("served.json"))["address"])')
"$python" -c 'import sys; from PIL import Image; Image.open(sys.argv[1]).convert("RGB").save("boot.jpg", quality=95)' \
  "$root/examples/assets/ankle_boot.png"
export MVL_TRY_ADDRESS MVL_TRY_PICTURE=$work/boot.jpg

asked_in_python=$("$python" try.py)
asked_in_typescript=$(node try.js)
kill "$server"
ended=0
wait "$server" || ended=$?
server=
[ "$ended" -eq 0 ] || { echo "the server ended with $ended" >&2; cat served.log >&2; exit 1; }
echo "the document is valid; $asked_in_python questions answered as documented in Python, $asked_in_typescript in TypeScript"
