// Asks a running `mvl serve` by openapi-fetch with the types that openapi-typescript makes of our document; scripts/check_clients.sh
// compiles and runs it. Prints how many questions were asked.
import { readFile } from "node:fs/promises";

import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

const environment = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};
const address = environment("MVL_TRY_ADDRESS");
const picture = await readFile(environment("MVL_TRY_PICTURE"));

const clientWith = (headers: Record<string, string>) => createClient<paths>({ baseUrl: address, headers });
const client = clientWith({ Authorization: `Bearer ${environment("MVL_TRY_KEY")}` });
const less = clientWith({ "X-API-Key": environment("MVL_TRY_KEY_WITHOUT_MANAGE") });
const nobody = clientWith({});

let asked = 0;
type Answer<Data> = { data?: Data; error?: unknown; response: Response };

/** The answer, after its status was looked at. */
async function good<Data>(asking: Promise<Answer<Data>>, status = 200): Promise<Data> {
  asked += 1;
  const { data, error, response } = await asking;
  if (response.status !== status || data === undefined) {
    throw new Error(`${response.url}: expected ${status}, got ${response.status}: ${JSON.stringify(error)}`);
  }
  return data;
}

/** What a refusal says, which has to be `{"error": text}`. */
async function refused<Data>(asking: Promise<Answer<Data> & { error?: components["schemas"]["Error"] }>, status: number): Promise<string> {
  asked += 1;
  const { error, response } = await asking;
  if (response.status !== status || !error?.error || Object.keys(error).length !== 1) {
    throw new Error(`${response.url}: expected ${status}, got ${response.status}: ${JSON.stringify(error)}`);
  }
  return error.error;
}

function expect(holds: boolean, what: unknown): asserts holds {
  if (!holds) throw new Error(`unexpected: ${JSON.stringify(what)}`);
}

const named = (model: string) => ({ params: { path: { model } } });

// Health is open to all, everything else is not.
expect((await good(nobody.GET("/v2/health/ready"))).ready, "ready");
await refused(nobody.GET("/v1/models"), 401);
await refused(clientWith({ "X-API-Key": "a key of somebody else" }).GET("/v1/models/{model}", named("clothes")), 401);
await refused(less.POST("/v1/models", { body: { name: "more", source: "identity:FP32" } }), 403);

// Models.
const { models } = await good(less.GET("/v1/models"));
expect(models.map((model) => model.name).sort().join() === "clothes,echo", models);
const clothes = await good(client.GET("/v1/models/{model}", named("clothes")));
expect(clothes.state === "ready" && clothes.classes === 10, clothes);
expect((await refused(client.GET("/v1/models/{model}", named("hats")), 404)).includes("hats"), "the name is told");
const more = await good(client.POST("/v1/models", { body: { name: "more", source: "identity:FP32" } }), 201);
expect(more.platform === "identity", more);
asked += 1;
const gone = await client.DELETE("/v1/models/{model}", named("more"));
expect(gone.response.status === 204, gone.response.status);

// Pictures: as they are, in base64, in a form.
const seenBy = async (asking: Promise<Answer<components["schemas"]["Predictions"]>>) => {
  const [classes] = (await good(asking)).predictions;
  expect(classes?.length === 2 && classes[0]?.label === "Ankle boot", classes);
};
const path = "/v1/models/{model}:predict";
const two = { params: { path: { model: "clothes" }, query: { top: 2 } } };
// A binary body is typed as text by the generator; what is sent is what the serializer gives.
const asItIs = (bytes: Uint8Array) => ({
  body: "" as never,
  bodySerializer: () => new Blob([new Uint8Array(bytes)]),
  headers: { "Content-Type": "application/octet-stream" },
});
await seenBy(less.POST(path, { ...two, ...asItIs(picture) }));
await seenBy(less.POST(path, { ...two, body: { image: picture.toString("base64") } }));
const form = () => {
  const data = new FormData();
  data.append("file", new Blob([new Uint8Array(picture)], { type: "image/jpeg" }), "boot.jpg");
  return data;
};
await seenBy(less.POST(path, { ...two, body: {} as never, bodySerializer: form }));
await refused(client.POST(path, { ...named("hats"), ...asItIs(picture) }), 404);
await refused(client.POST(path, { ...named("clothes"), ...asItIs(new TextEncoder().encode("no picture")) }), 400);

// The Open Inference Protocol in JSON.
const metadata = await good(client.GET("/v2/models/{model}", named("echo")));
expect(metadata.inputs[0]?.datatype === "FP32", metadata);
const input = { name: "INPUT0", datatype: "FP32" as const, shape: [1, 2], data: [1.5, -2] };
const answer = await good(less.POST("/v2/models/{model}/infer", { ...named("echo"), body: { id: "seven", inputs: [input] } }));
const output = answer.outputs[0];
expect(answer.id === "seven" && output?.shape.join() === "1,2" && output.data?.join() === "1.5,-2", answer);
const wrong = { ...input, datatype: "INT32" as const };
await refused(client.POST("/v2/models/{model}/infer", { ...named("echo"), body: { inputs: [wrong] } }), 400);
await refused(client.POST("/v2/models/{model}/infer", { ...named("hats"), body: { inputs: [input] } }), 404);
console.log(asked);
