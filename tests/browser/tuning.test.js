// What other settings would have made of the last hour: the rule itself, and the view against what the device made.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after } from "node:test";
import { before } from "node:test";
import { test } from "node:test";
import { open } from "./browser.js";
import { Service } from "./service.js";
import { until } from "./service.js";

const SOURCE = new URL("../../src/web/dashboard/whatif.js", import.meta.url);
const { eventsOf, threshold } = await import(`data:text/javascript,${encodeURIComponent(readFileSync(SOURCE, "utf8"))}`);
const EVENT = { fusion: "either", window_ms: 3000, gap_ms: 2000, length_max_s: 300 };
let service;

before(async () => (service = await Service.start({ source: "scene:seed=7,visits=2..9..3" })));
after(() => service.end());

/** Seconds from a drawing: `#` strong motion, `+` weak, `p` the sensor, `b` sensor and strong motion, `?` unknown. */
const drawn = (text) => [...text].map((sign) => (sign === "?" ? null : { score: { "#": 0.9, b: 0.9, "+": 0.4 }[sign] ?? 0, pir: sign === "p" || sign === "b" }));

test("seconds become events as the device's rules have it", () => {
  const cases = [
    ["....##.#.....", 0.5, {}, [[4, 7]]],
    ["....##...#...", 0.5, {}, [[4, 5], [9, 9]]],
    ["....##...#...", 0.5, { gap_ms: 5000 }, [[4, 9]]],
    ["..+..##......", 0.5, {}, [[5, 6]]],
    ["..+....##....", 0.3, {}, [[2, 2], [7, 8]]],
    ["..p.....##...", 0.5, {}, [[2, 2], [8, 9]]],
    ["..p.....##...", 0.5, { fusion: "video" }, [[8, 9]]],
    ["..p.....##...", 0.5, { fusion: "pir" }, [[2, 2]]],
    ["..p.....##...", 0.5, { fusion: "both" }, []],
    ["..p.##....##.", 0.5, { fusion: "both" }, [[4, 5]]],
    ["..##.p.......", 0.5, { fusion: "both" }, [[5, 5]]],
    ["..##.p.......", 0.5, { fusion: "pir_arms_video" }, []],
    ["..b###.......", 0.5, { fusion: "pir_arms_video" }, [[2, 5]]],
    ["##########", 0.5, { length_max_s: 4 }, [[0, 3], [4, 7], [8, 9]]],
    ["##?????##", 0.5, {}, [[0, 1], [7, 8]]],
    ["", 0.5, {}, []],
  ];
  for (const [text, least, event, expected] of cases) {
    assert.deepEqual(eventsOf(drawn(text), least, { ...EVENT, ...event }), expected, `${text} ${JSON.stringify(event)}`);
  }
  assert.equal(threshold(5, 5), 0.5);
  assert.ok(threshold(5, 8) < 0.5 && threshold(5, 2) > 0.5);
});

test("the view counts what the device made, and what other settings would have made", async () => {
  await until("two visits", async () => (await service.events()).filter(({ phase }) => phase === "end").length >= 2);
  const watched = await open(service, "tuning");
  const verdict = () => watched.$(".verdict").textContent();
  const told = async () => Number((await verdict()).match(/About (\d+)/)?.[1]);
  const near = async () => Math.abs((await told()) - (await service.events()).length) <= 1; // one may have begun since
  await until("about as many as there are", near);
  assert.equal(await watched.$(".fired rect").count(), await told(), "each is marked");
  const before = await watched.$(".past .limit").getAttribute("y1");
  await watched.page.getByLabel("Sensitivity").fill("1");
  assert.ok(Number(await watched.$(".past .limit").getAttribute("y1")) < Number(before), "more is needed");
  await watched.page.getByLabel("Sensitivity").fill("5");
  await watched.page.getByLabel("Quiet that ends an event").fill("60000");
  await until("all of them in one", async () => (await told()) === 1);
  assert.match(await verdict(), /; \d+ with what is in force/);
  await watched.accessible("tuning with a history");
  await watched.shot("tuning-history-desktop");
  await watched.close();
});
