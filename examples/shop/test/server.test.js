import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { makeServer } from "../src/server.js";

async function ask(path, options = {}) {
  const server = makeServer("test").listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`, options);
    return [response.status, await response.json()];
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("says that it is well", async () => {
  assert.deepEqual(await ask("/health"), [200, { status: "ok", version: "test" }]);
});

test("lists goods, and shows one", async () => {
  const [status, goods] = await ask("/goods");
  assert.equal(status, 200);
  assert.deepEqual(await ask(`/goods/${goods[1].id}`), [200, goods[1]]);
});

test("knows nothing else", async () => {
  assert.equal((await ask("/goods/99"))[0], 404);
  assert.equal((await ask("/", { method: "POST" }))[0], 405);
});
