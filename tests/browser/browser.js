// Chromium, and pages that are watched: no error in the console, no request to another host, nothing that axe finds.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after } from "node:test";
import { afterEach } from "node:test";
import { join } from "node:path";

const require = createRequire(join(process.env.LOOKOUT_NODE_MODULES, "here.js"));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const SHOTS = process.env.LOOKOUT_SHOTS;
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** Sizes and schemes that views are looked at in. */
export const DESKTOP = { viewport: { width: 1280, height: 860 }, colorScheme: "light" };
export const PHONE = { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true };

let browser = null;

// A test that failed leaves nothing open for the next one.
afterEach(() => Promise.all((browser?.contexts() ?? []).map((context) => context.close())));
after(() => browser?.close());

/** A page of its own on `service`, opened on `view`. */
export async function open(service, view = "now", options = DESKTOP) {
  browser ??= await chromium.launch({ executablePath: process.env.LOOKOUT_CHROMIUM, args: FLAGS });
  const context = await browser.newContext({ ...options, locale: "en-GB", timezoneId: "Europe/Zurich" });
  return tab(service, view, context);
}

/** One more tab of the same browser session. */
export async function tab(service, view, context) {
  const page = await context.newPage();
  const watched = new Watched(page, service);
  watched.expect(...(await absent(service)));
  await watched.go(view);
  return watched;
}

// Parts of the API that a build may not have: the page asks, and does without.
const OPTIONAL = [["get", "/api/snapshot.jpg"], ["get", "/api/update"]];

async function absent(service) {
  const has = await Promise.all(OPTIONAL.map(([method, path]) => service.has(method, path)));
  return OPTIONAL.filter((_, n) => !has[n]).map(([, path]) => new RegExp(`status of 404.*${path}$`));
}

/** A page, and what went wrong on it. */
export class Watched {
  #faults = [];
  #expected = [];

  constructor(page, service) {
    this.page = page;
    this.service = service;
    page.on("pageerror", (error) => this.#faults.push(`exception: ${error.stack}`));
    page.on("console", (message) => message.type() === "error" && this.#faults.push(`console: ${message.text()} ${message.location().url}`));
    page.on("request", (request) => this.#asked(request.url()));
  }

  /** Errors that belong to what the test does: the browser logs every answer 4xx and every lost connection. */
  expect(...patterns) {
    this.#expected.push(...patterns);
  }

  /** Goes to a view, by its name or path below `#/`. */
  async go(view) {
    await this.page.goto(`${this.service.url}/#/${view}`);
  }

  /** The elements that a selector finds. */
  $(selector) {
    return this.page.locator(selector);
  }

  /** Waits until the connection's state is `state`. */
  async state(state) {
    await this.page.waitForSelector(`#connection[data-state="${state}"]`);
  }

  /** Ids in the list of events. */
  async ids() {
    return this.$(".events li[data-id]").evaluateAll((items) => items.map((item) => Number(item.dataset.id)));
  }

  /** A picture of the page, for people. */
  async shot(name) {
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`) });
  }

  /** Nothing serious in the eyes of axe. */
  async accessible(what) {
    await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const found = violations.map(({ id, impact, help, nodes }) => `${impact} ${id}: ${help}\n  ${nodes.map((node) => node.html).join("\n  ")}`);
    assert.deepEqual(found, [], `axe on ${what}`);
  }

  /** Closes the page's session; fails if anything went wrong on it. */
  async close() {
    const faults = this.#faults.filter((fault) => !this.#expected.some((pattern) => pattern.test(fault)));
    await this.page.context().close();
    assert.deepEqual(faults, []);
  }

  #asked(url) {
    const { protocol, host } = new URL(url);
    const isOwn = host === new URL(this.service.url).host || ["data:", "blob:"].includes(protocol);
    if (!isOwn) this.#faults.push(`request to another host: ${url}`);
  }
}
