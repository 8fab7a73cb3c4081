// The dashboard: events from REST first, then live; the present by polling. What it looks like is in view.js.

import { Client, ask } from "./client.js";
import { admitted, logOut } from "./login.js";
import { eventItem, refreshTimes, showConnection, showHealth, showProblems } from "./view.js";

const HEALTH_EVERY_MS = 2000;
const PAGE_EVENTS = 50;
// A tab left open for weeks holds this many; older ones are a click away.
const SHOWN_MAX = 500;

const list = document.getElementById("events");
const older = document.getElementById("older");
const armed = document.getElementById("armed");
const trigger = document.getElementById("trigger");

let events = new Map(); // id to the newest state of the event
let next = null;
let shape = { width: 4, height: 3 };

const client = new Client({
  state: showConnection,
  message: ({ type, data }) => type === "event" && learn([data]),
  stranger: () => reload().catch(fail),
});

/** Takes events in: a later state replaces an earlier one, newest first. */
function learn(more) {
  for (const event of more) {
    const known = events.get(event.id);
    if (known && known.seq >= event.seq) continue;
    events.set(event.id, event);
    show(event);
  }
  while (events.size > SHOWN_MAX) forgetOldest();
  document.getElementById("empty").hidden = events.size > 0;
  older.hidden = next === null;
}

function show(event) {
  const item = eventItem(event, shape);
  const known = list.querySelector(`[data-id="${event.id}"]`);
  if (known) return known.replaceWith(item);
  const after = [...list.children].find((other) => Number(other.dataset.id) < event.id);
  list.insertBefore(item, after ?? null);
}

function forgetOldest() {
  const last = list.lastElementChild;
  events.delete(Number(last.dataset.id));
  last.remove();
  const before = Number(list.lastElementChild.dataset.id);
  next = `/api/events?before=${before}&limit=${PAGE_EVENTS}`;
}

/** Begins anew with the newest page; the number from which the stream goes on. */
async function reload() {
  const page = await ask(`/api/events?limit=${PAGE_EVENTS}`);
  events = new Map();
  list.replaceChildren();
  next = page.paging.next;
  learn(page.events);
  return page.paging.newest_seq;
}

async function showOlder() {
  const page = await ask(next);
  next = page.paging.next;
  learn(page.events);
}

async function poll() {
  if (document.visibilityState !== "visible") return;
  const health = await ask("/api/health", { accept: [503] });
  if (!health.pipeline) throw new Error(health.detail ?? "the device is busy");
  if (health.pipeline.format) shape = health.pipeline.format;
  showHealth(health);
  if (client.live) return;
  await admitted(); // a session that is over ends the stream, too
  learn((await ask(`/api/events?limit=${PAGE_EVENTS}`)).events);
}

function fail(error) {
  showProblems([error instanceof TypeError ? "The device does not answer" : error.message]);
}

/** Does `action` while `button` is out of reach. */
async function act(button, action) {
  button.disabled = true;
  await action().catch(fail);
  button.disabled = false;
}

armed.addEventListener("click", () =>
  act(armed, async () => {
    const wanted = armed.getAttribute("aria-checked") !== "true";
    await ask("/api/armed", { method: "PUT", body: { armed: wanted } });
    armed.setAttribute("aria-checked", String(wanted));
  }),
);
trigger.addEventListener("click", () => act(trigger, () => ask("/api/events", { method: "POST" })));
document.getElementById("logout").addEventListener("click", () => logOut().catch(fail));
older.addEventListener("click", () => act(older, showOlder));

async function begin() {
  for (;;) {
    try {
      await admitted();
      await poll();
      return client.start(await reload());
    } catch (error) {
      fail(error);
      await new Promise((resolve) => setTimeout(resolve, HEALTH_EVERY_MS));
    }
  }
}

await begin();
setInterval(() => poll().catch(fail), HEALTH_EVERY_MS);
setInterval(refreshTimes, 5000);
