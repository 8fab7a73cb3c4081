// Every view, on desktop and phone, light and dark: it loads without a fault, axe finds nothing, and a picture is kept of it.

import assert from "node:assert/strict";
import { after } from "node:test";
import { before } from "node:test";
import { test } from "node:test";
import { DESKTOP } from "./browser.js";
import { PHONE } from "./browser.js";
import { open } from "./browser.js";
import { Service } from "./service.js";
import { until } from "./service.js";

/** Views, and what is on them once they are there. */
const VIEWS = {
  now: "Latest events", events: "Newest first", zones: "Zones and masks", tuning: "Sensitivity",
  system: "Who may hold how much", update: "Version", access: "Certificate",
};
const LOOKS = { desktop: DESKTOP, phone: PHONE, "desktop-dark": { ...DESKTOP, colorScheme: "dark" }, "phone-light": { ...PHONE, colorScheme: "light" } };
let service;

before(async () => {
  service = await Service.start({ config: '[[motion.zones]]\nname = "path"\npolygon = [[0, 0.4], [1, 0.4], [1, 1], [0, 1]]\n' });
  await service.event(({ phase }) => phase === "end");
});
after(() => service.end());

for (const [look, options] of Object.entries(LOOKS)) {
  test(`every view is whole and accessible: ${look}`, async () => {
    const watched = await open(service, "now", options);
    await watched.state("live");
    for (const [view, sign] of Object.entries(VIEWS)) {
      await watched.go(view);
      await watched.page.getByText(sign).first().waitFor();
      await watched.accessible(`${view}, ${look}`);
      const isTooWide = await watched.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(isTooWide, false, `${view} is wider than the screen`);
      await watched.shot(`${view}-${look}`);
    }
    await watched.close();
  });
}

test("the keyboard alone is enough to go about", async () => {
  const watched = await open(service, "now");
  await watched.state("live");
  await watched.page.keyboard.press("Tab");
  assert.equal(await watched.page.evaluate(() => document.activeElement.className), "skip");
  await watched.page.locator("#nav a", { hasText: "Events" }).focus();
  await watched.page.keyboard.press("Enter");
  await watched.page.getByText("Newest first").waitFor();
  assert.equal(await watched.page.evaluate(() => document.activeElement.id), "view", "the focus goes along");
  await watched.close();
});

test("disarmed, nothing makes events, and the page says so", async () => {
  const watched = await open(service, "now");
  await watched.page.getByRole("switch", { name: "Armed" }).uncheck();
  await watched.page.getByText("No events are made").waitFor();
  await until("it to be disarmed", async () => !(await service.get("/api/armed")).armed);
  await watched.page.getByRole("switch", { name: "Armed" }).check();
  await until("it to be armed", async () => (await service.get("/api/armed")).armed);
  await watched.close();
});

test("tuning is changed, in force at once, and back", async (t) => {
  const watched = await open(service, "tuning");
  await watched.page.getByLabel("Sensitivity").fill("8");
  await watched.page.getByText(/is enough/).filter({ hasText: "0.34" }).waitFor();
  if (!(await service.has("put", "/api/tuning"))) return t.skip("this build takes its tuning from its configuration only; the preview was tried");
  for (const sensitivity of [8, 5]) {
    await watched.page.getByLabel("Sensitivity").fill(String(sensitivity));
    await watched.page.getByRole("button", { name: "Save" }).click();
    await until("the device to have it", async () => (await service.get("/api/tuning")).motion.sensitivity === sensitivity);
  }
  await watched.close();
});

test("names at their longest break nothing", async () => {
  const longest = (letter) => letter.repeat(32);
  const zone = (letter) => `[[motion.zones]]\nname = "${longest(letter)}"\npolygon = [[0, 0.4], [1, 0.4], [1, 1], [0, 1]]\n`;
  const crowded = await Service.start({ config: `[camera]\nid = "${longest("W")}"\n${["W", "M", "Q"].map(zone).join("")}` });
  try {
    const event = await crowded.event(({ phase, zones }) => phase === "end" && zones.length > 0);
    const watched = await open(crowded, "now", { ...PHONE, viewport: { width: 320, height: 640 } });
    await watched.state("live");
    for (const view of [...Object.keys(VIEWS), `events/${event.id}`]) {
      await watched.go(view);
      await watched.$(".card").first().waitFor();
      await watched.shot(`longest-${view.replace("/", "-")}`);
      const widest = await watched.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.equal(widest, 0, `${view} is wider than the screen`);
    }
    await watched.close();
  } finally {
    await crowded.end();
  }
});
