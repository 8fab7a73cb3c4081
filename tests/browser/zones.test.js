// Zones drawn with the mouse decide what is an event, from the next picture on.

import assert from "node:assert/strict";
import { after } from "node:test";
import { before } from "node:test";
import { test } from "node:test";
import { open } from "./browser.js";
import { Service } from "./service.js";
import { until } from "./service.js";

const VISIT_EVERY_S = 4;
let service;

before(async () => (service = await Service.start({ source: `scene:seed=7,pir=off,visits=2..${VISIT_EVERY_S}..2` })));
after(() => service.end());

/** Clicks the corners of a shape, given in parts of the picture, and closes it on the first. */
async function draw(watched, corners) {
  const overlay = watched.$("svg.overlay");
  const { x, y, width, height } = await overlay.boundingBox();
  for (const [across, down] of [...corners, corners[0]]) await watched.page.mouse.click(x + across * width, y + down * height);
}

/** Drags what `locator` finds by so much of the picture. */
async function drag(watched, locator, across, down) {
  const [picture, held] = [await watched.$("svg.overlay").boundingBox(), await locator.boundingBox()];
  const [x, y] = [held.x + held.width / 2, held.y + held.height / 2];
  await watched.page.mouse.move(x, y);
  await watched.page.mouse.down();
  await watched.page.mouse.move(x + across * picture.width, y + down * picture.height, { steps: 4 });
  await watched.page.mouse.up();
}

test("a zone is drawn with the mouse, named, moved by the keyboard, and events outside it vanish", async (t) => {
  const watched = await open(service, "zones");
  await service.event();
  await watched.page.getByRole("button", { name: "Draw a zone" }).click();
  await draw(watched, [[0.03, 0.03], [0.2, 0.03], [0.2, 0.14], [0.03, 0.14]]);
  await watched.page.getByLabel("Name").fill("birdhouse");
  await watched.page.getByLabel("Sensitivity").selectOption("7");
  const corner = watched.page.getByLabel(/Corner 3 of 4/);
  await corner.focus();
  await watched.page.keyboard.press("ArrowLeft");
  assert.match(await watched.page.getByLabel(/Corner 3 of 4/).getAttribute("aria-label"), /at 19 by 14 percent/);
  await drag(watched, corner, 0.05, 0.02);
  assert.match(await watched.page.getByLabel(/Corner 3 of 4/).getAttribute("aria-label"), /at 24 by 16 percent/);
  await watched.page.getByRole("button", { name: "Draw a mask" }).click();
  await draw(watched, [[0.7, 0.02], [0.95, 0.02], [0.95, 0.1]]);
  await watched.shot("zones-drawn-desktop");
  await watched.accessible("zones while they are changed");
  if (!(await service.has("put", "/api/zones"))) {
    await watched.page.getByRole("button", { name: "Discard" }).click();
    assert.equal(await watched.$(".shape").count(), 0);
    await watched.close();
    return t.skip("this build takes zones from its configuration only; drawing was tried");
  }
  await watched.page.getByRole("button", { name: "Save" }).click();
  await watched.page.getByText("The zones are saved").waitFor();
  const { zones, masks } = await service.get("/api/zones");
  assert.deepEqual([zones.map(({ name, sensitivity }) => [name, sensitivity]), masks.length], [[["birdhouse", 7]], 1]);
  await until("the running event to end", async () => (await service.events()).every(({ phase }) => phase === "end"));
  const before = await service.events();
  const frame = async () => (await service.get("/api/health")).pipeline.frame;
  const end = (await frame()) + 10 * 2.5 * VISIT_EVERY_S; // pictures of two visits and a half, at ten a second
  await until("two visits to pass", async () => (await frame()) > end);
  assert.deepEqual((await service.events()).map(({ id }) => id), before.map(({ id }) => id), "nobody is in the zone");
  await watched.go("now");
  await watched.page.getByText("Latest events").waitFor();
  await watched.go("zones");
  assert.equal(await watched.page.getByLabel("Name").inputValue(), "birdhouse", "what is there is what is edited");
  assert.equal(await watched.page.getByRole("button", { name: "Save" }).isDisabled(), true, "nothing is changed yet");
  await watched.page.getByRole("button", { name: "Remove birdhouse" }).click();
  await watched.page.getByRole("button", { name: "Save" }).click();
  await service.event(({ id }) => id > before[0].id);
  await watched.close();
});
