// What the page costs on a slow line and a slow phone: bytes, requests, time until the first event is seen.

import assert from "node:assert/strict";
import { after } from "node:test";
import { before } from "node:test";
import { test } from "node:test";
import { PHONE } from "./browser.js";
import { open } from "./browser.js";
import { EMPTY } from "./service.js";
import { Service } from "./service.js";
import { until } from "./service.js";

// "Slow 4G" as browsers' tools have it, and a phone a quarter as fast as this machine.
const LINE = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 };
const SLOWER = 4;
const ASSET = /^\/($|ui\/|icon)/;
// What is served within so many bytes (tests/dashboard.rs) has a header each time.
const HEADER_BYTES_MAX = 512;
const ASSETS_BYTES_MAX = 60 * 1024;
const REQUESTS_MAX = 32;
// Files of which every view together is made.
const FILES_MIN = 25;
let service;

before(async () => {
  service = await Service.start({ source: EMPTY });
  await fetch(`${service.url}/api/events`, { method: "POST" });
  await service.event();
});
after(() => service.end());

/** Opens the page anew on the slow line; gives what that took. */
async function visit(watched, cdp, view) {
  const seen = { bytes: 0, requests: 0, assets: 0 };
  const paths = new Map();
  const asked = ({ requestId, request }) => paths.set(requestId, new URL(request.url).pathname);
  const done = ({ requestId, encodedDataLength }) => {
    seen.requests += 1;
    seen.bytes += encodedDataLength;
    if (ASSET.test(paths.get(requestId) ?? "")) seen.assets += encodedDataLength;
  };
  cdp.on("Network.requestWillBeSent", asked);
  cdp.on("Network.loadingFinished", done);
  await watched.page.goto("about:blank");
  const began = performance.now();
  await watched.go(view);
  await watched.$(".events li[data-id]").first().waitFor();
  const firstEvent = Math.round(performance.now() - began);
  await watched.state("live");
  cdp.off("Network.requestWillBeSent", asked);
  cdp.off("Network.loadingFinished", done);
  return { ...seen, firstEvent };
}

test("the page is light: bytes, requests and time to the first event on a slow line", async (t) => {
  const watched = await open(service, "access", PHONE);
  await watched.page.goto("about:blank");
  const cdp = await watched.page.context().newCDPSession(watched.page);
  await cdp.send("Network.enable");
  await cdp.send("Network.clearBrowserCache");
  await cdp.send("Network.emulateNetworkConditions", LINE);
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  const first = await visit(watched, cdp, "events");
  const again = await visit(watched, cdp, "events");
  for (const [name, { bytes, requests, assets, firstEvent }] of Object.entries({ first, again })) {
    t.diagnostic(`${name} visit: ${requests} requests, ${bytes} bytes (page ${assets}), first event after ${firstEvent} ms`);
  }
  assert.ok(first.assets < ASSETS_BYTES_MAX, `${first.assets} bytes`);
  assert.ok(first.requests <= REQUESTS_MAX, `${first.requests} requests`);
  assert.ok(again.assets < first.assets / 4, "what is kept is not fetched again");
  await watched.close();
});

test("the whole page, every view of it, is within its limit", async (t) => {
  const watched = await open(service, "now");
  const cdp = await watched.page.context().newCDPSession(watched.page);
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  const [sizes, paths] = [new Map(), new Map()];
  cdp.on("Network.requestWillBeSent", ({ requestId, request }) => paths.set(requestId, new URL(request.url).pathname));
  cdp.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => sizes.set(paths.get(requestId), encodedDataLength));
  await watched.page.reload();
  const views = await watched.$("#nav a").evaluateAll((links) => links.map((link) => link.dataset.view));
  const [event] = await service.events();
  for (const view of [...views, `events/${event.id}`]) {
    await watched.go(view);
    await watched.$(".card").first().waitFor();
  }
  // A card may be that of the view before, and the last files come after it.
  const asked = () => [...sizes].filter(([path]) => ASSET.test(path ?? ""));
  const assets = await until("all files of the page", () => (asked().length >= FILES_MIN ? asked() : null));
  const bytes = assets.reduce((sum, [, size]) => sum + size, 0);
  t.diagnostic(`${assets.length} files, ${bytes} bytes with their headers`);
  assert.ok(bytes < ASSETS_BYTES_MAX + assets.length * HEADER_BYTES_MAX, `${bytes} bytes`);
  await watched.close();
});
