// The connection: what happens while it is gone is not missed, and nothing comes twice, whatever ended it.

import assert from "node:assert/strict";
import { afterEach } from "node:test";
import { beforeEach } from "node:test";
import { test } from "node:test";
import { open } from "./browser.js";
import { tab } from "./browser.js";
import { BUSY } from "./service.js";
import { Service } from "./service.js";
import { until } from "./service.js";
import { withoutWebSockets } from "./service.js";

// What the browser logs of a device that is away, or that has only begun and says so.
const LOST = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket connection to|status of 503.*\/api\/health$/;
const PASSWORD = "correct horse battery staple";
let service;

beforeEach(async () => (service = await Service.start()));
afterEach(() => service.end());

const same = async (watched) => {
  const [shown, stored] = [await watched.ids(), (await service.events()).map(({ id }) => id)];
  return shown.join() === stored.join() && shown;
};

/** The events, live, and all of the page there. */
async function feed(...faults) {
  const watched = await open(service, "events");
  watched.expect(...faults);
  await watched.state("live");
  await watched.$(".feed").waitFor();
  return watched;
}

async function logIn(watched) {
  await watched.page.getByLabel("Password of this camera").fill(PASSWORD);
  await watched.page.getByRole("button", { name: "Log in" }).click();
}

test("a device that is killed and started again: the feed is complete, and has nothing twice", async () => {
  const watched = await feed(LOST);
  await service.event();
  for (const round of [1, 2]) {
    await service.kill();
    await watched.state("waiting");
    assert.match(await watched.$("#banner").textContent(), /Offline since/);
    if (round === 1) await watched.shot("offline-desktop");
    await service.again();
    const known = new Set((await service.events()).map(({ id }) => id));
    await service.event(({ id }) => !known.has(id));
    await watched.state("live");
    const shown = await until("the page to show what the store has", () => same(watched));
    assert.equal(new Set(shown).size, shown.length);
  }
  assert.equal(await watched.$("#banner").isVisible(), false);
  await watched.close();
});

test("the client library gives each durable message once, over restarts, as the journal has them", async () => {
  const watched = await open(service, "system");
  watched.expect(LOST);
  await watched.page.evaluate(async () => {
    const { LookoutClient } = await import("/lookout-client.js");
    globalThis.seen = [];
    globalThis.states = [];
    const camera = new LookoutClient({ topics: ["event", "camera_event", "alert"] });
    camera.on("*", ({ seq }) => seq !== undefined && globalThis.seen.push(seq));
    camera.on("state", ({ state }) => globalThis.states.push(state));
    camera.start(0);
  });
  const seen = () => watched.page.evaluate(() => globalThis.seen);
  await until("some messages", async () => (await seen()).length > 3);
  for (let round = 0; round < 2; round++) {
    const before = (await seen()).length;
    await service.kill();
    await service.again(BUSY);
    await until("more messages", async () => (await seen()).length > before + 3);
  }
  const inOrder = await seen();
  const newest = inOrder.at(-1);
  assert.deepEqual(inOrder.toSorted((one, other) => one - other), inOrder, "in order");
  assert.equal(new Set(inOrder).size, inOrder.length, "none twice");
  const journal = await watched.page.evaluate(async (last) => {
    const { LookoutClient } = await import("/lookout-client.js");
    const all = [];
    const fresh = new LookoutClient({ topics: ["event", "camera_event", "alert"] });
    await new Promise((resolve) => {
      fresh.on("*", ({ seq }) => seq !== undefined && all.push(seq) && seq >= last && resolve());
      fresh.start(0);
    });
    return all;
  }, newest);
  assert.deepEqual(inOrder, journal.filter((seq) => seq <= newest), "none missed");
  await watched.close();
});

test("where WebSockets are blocked the page asks, says so, and shows what happens", async () => {
  const blocked = await withoutWebSockets(service);
  try {
    const watched = await open(blocked, "events");
    watched.expect(LOST);
    await watched.state("polling");
    assert.ok(blocked.refused >= 2, "it was tried");
    assert.equal(await watched.$("#banner").isVisible(), false, "it works, so nothing is said to be wrong");
    const known = new Set(await watched.ids());
    const event = await service.event(({ id }) => !known.has(id));
    await watched.$(`li[data-id="${event.id}"]`).waitFor();
    await watched.go("now");
    await until("a picture", () => watched.$("canvas.frame").evaluate((canvas) => canvas.width === 640));
    await watched.close();
  } finally {
    blocked.end();
  }
});

test("where the stream is refused for want of room the page asks, and takes the first place that is free", async () => {
  const narrow = await Service.claimed(PASSWORD, { web: "user_connections_max = 1\n" });
  try {
    const one = await open(narrow, "events");
    one.expect(LOST, /status of 40[13]/);
    await logIn(one);
    await one.state("live");
    const other = await tab(narrow, "events", one.page.context());
    other.expect(LOST, /status of 429/);
    await other.state("polling");
    const ids = await one.ids();
    await until("something new with one", async () => (await one.ids()).length > ids.length);
    const [newest] = await one.ids();
    await other.$(`li[data-id="${newest}"]`).waitFor();
    await one.page.close();
    await other.state("live");
    await other.close();
  } finally {
    await narrow.end();
  }
});

test("after a sleep nothing was missed, whether the connection outlived it or not", async () => {
  const watched = await feed(LOST);
  const cdp = await watched.page.context().newCDPSession(watched.page);
  for (const isCut of [false, true]) {
    await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
    const known = new Set((await service.events()).map(({ id }) => id));
    if (isCut) await service.kill().then(() => service.again());
    await service.event(({ id, phase }) => !known.has(id) && phase === "end");
    await cdp.send("Page.setWebLifecycleState", { state: "active" });
    const shown = await until("the page to show what the store has", () => same(watched));
    assert.equal(new Set(shown).size, shown.length);
    await watched.state("live");
  }
  await watched.close();
});

test("without a network for a while nothing is missed", async () => {
  const watched = await feed(LOST, /ERR_INTERNET_DISCONNECTED/);
  await watched.page.context().setOffline(true);
  const known = new Set((await service.events()).map(({ id }) => id));
  await service.event(({ id, phase }) => !known.has(id) && phase === "end");
  await watched.page.context().setOffline(false);
  await until("the page to show what the store has", () => same(watched));
  await watched.close();
});

test("a device that stops answering without a word is found out, and found again", async () => {
  const watched = await feed(LOST);
  await service.kill();
  await watched.state("waiting");
  await service.again("scene:visits=off,burst=1..1");
  await watched.page.evaluate(() => dispatchEvent(new Event("online")));
  await watched.state("live");
  await until("the page to show what the store has", () => same(watched));
  await watched.close();
});

test("what the device was not there to give, a view's data or its program, comes by itself once it is back", async () => {
  const watched = await open(service, "tuning");
  watched.expect(LOST);
  const sensitivity = watched.page.getByLabel("Sensitivity");
  await sensitivity.waitFor();
  await watched.go("now");
  const away = async (view) => {
    await service.kill();
    await watched.state("waiting");
    await watched.go(view);
    await watched.$(".toast.bad").last().waitFor();
    await service.again();
  };
  await away("tuning");
  await sensitivity.waitFor();
  await away("events");
  await until("the page to show what the store has", () => same(watched));
  await watched.close();
});
