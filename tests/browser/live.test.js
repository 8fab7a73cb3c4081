// The live picture: it moves, one stream carries it, and nobody makes pictures for a page that is not looked at.

import assert from "node:assert/strict";
import { after } from "node:test";
import { before } from "node:test";
import { test } from "node:test";
import { open } from "./browser.js";
import { tab } from "./browser.js";
import { BUSY } from "./service.js";
import { Service } from "./service.js";
import { until } from "./service.js";

let service;

before(async () => (service = await Service.start({ source: BUSY, config: "[media]\nviewers_max = 2\n" })));
after(() => service.end());

const viewers = async () => (await service.get("/api/system")).viewers;
const look = (watched, isLookedAt) => watched.page.evaluate((state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}, isLookedAt ? "visible" : "hidden");

/** What the canvas shows, in short. */
const shown = (watched) => watched.$(".picture canvas.frame").evaluate((canvas) => {
  if (canvas.width < 640) return "";
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((hash, value, n) => (n % 4 === 1 ? (hash * 31 + value) | 0 : hash), 7).toString();
});

test("the picture moves while it is looked at, and rests while it is not", async () => {
  const watched = await open(service, "now");
  const seen = new Set();
  await until("several pictures", async () => seen.add(await shown(watched)).size > 4);
  assert.equal(await viewers(), 1);
  const heat = watched.$("canvas.heat");
  assert.equal(await heat.isVisible(), false);
  await watched.page.getByText("Heat").click();
  await until("heat where it moved", () => heat.evaluate((canvas) => {
    if (canvas.hidden || canvas.width !== 16) return false;
    return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value, n) => n % 4 === 3 && value > 0);
  }));
  await until("a box around it", async () => (await watched.$(".boxes rect").count()) > 0);
  await watched.page.getByText("Sees something").waitFor();
  await watched.shot("now-heat-desktop");
  await look(watched, false);
  await until("nobody to look", async () => (await viewers()) === 0);
  await look(watched, true);
  const before = await shown(watched);
  await until("it to go on", async () => (await shown(watched)) !== before);
  await watched.go("access");
  await until("nobody to look", async () => (await viewers()) === 0);
  await watched.close();
});

test("a tab beyond the seats there are says so, and takes the next one that is free", async () => {
  const one = await open(service, "now");
  const two = await tab(service, "now", one.page.context());
  await until("two to look", async () => (await viewers()) === 2);
  const third = await tab(service, "now", one.page.context());
  await third.page.getByText(/as many look at the live picture as may: 2/i).waitFor();
  await third.page.getByText("Latest events").waitFor();
  await two.page.close();
  await until("pictures in the third", () => shown(third));
  assert.equal(await viewers(), 2);
  await one.close();
});
