// Notifications: only after a gesture, only while nobody looks at the page, once for an event, and they lead to it.

import assert from "node:assert/strict";
import { after } from "node:test";
import { before } from "node:test";
import { test } from "node:test";
import { open } from "./browser.js";
import { Service } from "./service.js";
import { until } from "./service.js";

let service;

before(async () => (service = await Service.start()));
after(() => service.end());

// Notes what is asked of the browser and what it is told, and hands it on.
const NOTE_NOTIFICATIONS = () => {
  const Real = globalThis.Notification;
  globalThis.asked = 0;
  globalThis.notified = [];
  globalThis.Notification = class extends Real {
    static requestPermission() {
      globalThis.asked += 1;
      return Real.requestPermission();
    }
    constructor(title, options) {
      super(title, options);
      globalThis.notified.push({ title, tag: options.tag, shown: this });
    }
  };
};

const LOOKED_AT = (isLookedAt) => {
  Object.defineProperty(document, "visibilityState", { value: isLookedAt ? "visible" : "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
};

async function noted(permissions) {
  const watched = await open(service, "events");
  await watched.page.context().grantPermissions(permissions, { origin: service.url });
  await watched.page.addInitScript(NOTE_NOTIFICATIONS);
  await watched.page.reload();
  await watched.state("live");
  return watched;
}

test("who wants it is notified of each event that begins while the page is not looked at", async () => {
  const watched = await noted(["notifications"]);
  assert.equal(await watched.page.evaluate(() => globalThis.asked), 0, "nobody is asked without a gesture");
  await watched.page.getByRole("switch", { name: "Notify me" }).check();
  assert.equal(await watched.page.evaluate(() => globalThis.asked), 1);
  const tags = () => watched.page.evaluate(() => globalThis.notified.map(({ tag }) => tag));
  const known = new Set((await service.events()).map(({ id }) => id));
  await service.event(({ id, phase }) => !known.has(id) && phase === "end");
  assert.deepEqual(await tags(), [], "who looks needs no word");
  await watched.page.evaluate(LOOKED_AT, false);
  await until("two of them", async () => (await tags()).length >= 2);
  const told = await tags();
  assert.equal(new Set(told).size, told.length, "each once");
  await watched.page.evaluate(() => globalThis.notified[0].shown.onclick());
  await watched.page.getByRole("heading", { name: told[0].replace("event-", "Event ") }).waitFor();
  await watched.page.evaluate(LOOKED_AT, true);
  await watched.close();
});

test("where the browser says no, the page says so and asks no more", async () => {
  const watched = await noted([]);
  const notify = watched.page.getByRole("switch", { name: "Notify me" });
  await notify.click();
  await watched.page.getByText("does not allow notifications").waitFor();
  assert.equal(await notify.isChecked(), false);
  await watched.close();
});
