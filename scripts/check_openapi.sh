#!/usr/bin/env bash
# Validates the OpenAPI document by a public validator and makes clients of it by public generators: a Python package
# (openapi-python-client) and types for openapi-fetch (openapi-typescript), which the TypeScript compiler then checks.
#
#   scripts/check_openapi.sh        # tools go into target/openapi, once; needs python3 and npm
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
document=$root/crates/mvl-serve/openapi.json
work=${CARGO_TARGET_DIR:-$root/target}/openapi
mkdir -p "$work"
cd "$work"

if [ ! -x python/bin/openapi-python-client ]; then
  python3 -m venv python
  python/bin/pip install --quiet openapi-spec-validator openapi-python-client ruff
fi
if [ ! -d node_modules/openapi-fetch ]; then
  npm init -y > /dev/null
  npm install --silent typescript@5 openapi-typescript@7 openapi-fetch
fi

python/bin/python -c 'import json, sys; from openapi_spec_validator import validate; validate(json.load(open(sys.argv[1])))' "$document"
rm -rf mvl_client
PATH=$work/python/bin:$PATH openapi-python-client generate --path "$document" --output-path mvl_client --meta none > python.log 2>&1
python/bin/python -c '
from mvl_client.api.models import create_model, list_models
from mvl_client.api.pictures import predict
from mvl_client.api.protocol import infer, server_ready
from mvl_client.models import InferRequest, NewModel
assert NewModel(name="a", source="identity:FP32").to_dict() == {"name": "a", "source": "identity:FP32"}
'
npx openapi-typescript "$document" -o schema.d.ts > typescript.log
cat > use.ts <<'TS'
import createClient from "openapi-fetch";
import type { paths } from "./schema";

const client = createClient<paths>({ baseUrl: "http://127.0.0.1:8000" });
const seen = await client.GET("/v1/models/{model}", { params: { path: { model: "demo" } } });
const state: "ready" | "loading" | "unloaded" | "unavailable" | undefined = seen.data?.state;
const answer = await client.POST("/v2/models/{model}/infer", {
  params: { path: { model: "echo" } },
  body: { inputs: [{ name: "INPUT0", datatype: "FP32", shape: [1, 1], data: [1] }] },
});
console.log(state, answer.data?.outputs[0].shape, answer.error?.error);
TS
cat > tsconfig.json <<'JSON'
{
  "compilerOptions": {
    "strict": true, "noEmit": true, "skipLibCheck": true, "module": "esnext", "moduleResolution": "bundler",
    "target": "es2022", "lib": ["es2022", "dom"], "types": []
  },
  "files": ["use.ts"]
}
JSON
npx tsc
echo "the document is valid; clients in Python and TypeScript are made of it"
