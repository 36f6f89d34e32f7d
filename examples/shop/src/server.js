// A small shop: a list of goods, a counter of visits, a health check. No dependencies.
import { createServer } from "node:http";

const GOODS = [
  { id: 1, name: "rope", price: 12 },
  { id: 2, name: "anchor", price: 80 },
  { id: 3, name: "lantern", price: 25 },
];

function answer(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

export function makeServer(version = process.env.VERSION ?? "dev") {
  let visits = 0;
  return createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (request.method !== "GET") return answer(response, 405, { error: "only GET" });
    if (pathname === "/health") return answer(response, 200, { status: "ok", version });
    if (pathname === "/goods") return answer(response, 200, GOODS);
    const one = /^\/goods\/(\d+)$/.exec(pathname);
    const found = one && GOODS.find((good) => good.id === Number(one[1]));
    if (found) return answer(response, 200, found);
    if (pathname === "/") return answer(response, 200, { visits: ++visits, version });
    return answer(response, 404, { error: "not found" });
  });
}
