// The page's frame: who is in, which view is shown, how the connection is. The views are modules of their own, loaded when shown.

import { whenStranger } from "./api.js";
import { device } from "./device.js";
import { fill } from "./dom.js";
import { h } from "./dom.js";
import { icon } from "./dom.js";
import { put } from "./dom.js";
import { sentence } from "./dom.js";
import { toast } from "./dom.js";
import { ago } from "./format.js";
import { announceEvents } from "./notify.js";

const VIEWS = {
  now: ["Now", "M3 12s3.500-6.500 9-6.500S21 12 21 12s-3.500 6.500-9 6.500S3 12 3 12Zm9-2.800a2.800 2.800 0 1 0 0 5.600 2.800 2.800 0 0 0 0-5.600Z"],
  events: ["Events", "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01"],
  zones: ["Zones", "M5 4.500 19 7l-2 12-11-2.500ZM5 4.500h.01M19 7h.01M17 19h.01M6 16.500h.01"],
  tuning: ["Tuning", "M5 4v9m0 4v3M12 4v3m0 4v9M19 4v9m0 4v3M3 15h4M10 9h4M17 15h4"],
  system: ["System", "M7 7h10v10H7ZM10 3v4m4-4v4m-4 10v4m4-4v4M3 10h4m-4 4h4m10-4h4m-4 4h4"],
  update: ["Update", "M12 3v12m-4.500-4.500L12 15l4.500-4.500M4 20h16"],
  access: ["Access", "M6 11h12v9H6ZM8.500 11V8a3.500 3.500 0 0 1 7 0v3"],
};
const TIMES_MS = 5_000;
const RELOADED = "lookout.reloaded";
const RELOAD_MS_MIN = 60_000;

const place = document.getElementById("view");
const nav = document.getElementById("nav");
const scrolled = new Map(); // how far down one was in each list, to come back to
let leaving = new AbortController();

/** The view that the address names, and what it says of it: `#/events/12?zone=door`. */
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, id] = path.split("/");
  return { name: name in VIEWS ? name : "now", id, query: new URLSearchParams(query) };
}

const moduleOf = ({ name, id }) => import(`./${name === "events" && id ? "event" : name}.js`);

async function show() {
  const { name, id, query } = route();
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  for (const link of nav.children) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${VIEWS[name][0]} · Lookout`;
  const module = await moduleOf({ name, id }).catch((error) => device.reach(() => renew(error), signal));
  if (signal.aborted || !module) return;
  fill(place, h("h1", { class: "view-title" }, VIEWS[name][0]), module.view({ id, query, signal }));
  place.dataset.view = name;
}

// After an update the device has other modules than this page was made of, and while it is away it gives none. Some browsers remember
// for the life of a page that a module did not come, so the page is loaded anew once the device answers; but not again and again.
async function renew(error) {
  await device.client.fetch("/api/health/live");
  const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
  if (Date.now() - last < RELOAD_MS_MIN) return toast(sentence(`this view cannot be loaded: ${error.message}`), "bad");
  sessionStorage.setItem(RELOADED, Date.now());
  location.reload();
}

function showNav() {
  fill(nav, Object.entries(VIEWS).map(([name, [title, paths]]) =>
    h("a", { href: `#/${name}`, "data-view": name }, icon(paths), h("span", {}, title))));
}

function showConnection() {
  const { state, why } = device.client.state;
  const words = { connecting: "Connecting", live: "Live", waiting: "Offline", polling: "Live, by asking", unauthorized: "Logged out", stopped: "" };
  const shown = document.getElementById("connection");
  shown.dataset.state = state;
  shown.title = why ? sentence(why) : "";
  put(document.getElementById("connection-text"), words[state]);
  if (state === "unauthorized") stranger();
  showBanner();
}

let offlineSince = null;

function showBanner() {
  const { state } = device.client.state;
  const isAway = state === "waiting" || (state === "connecting" && offlineSince !== null);
  offlineSince = isAway ? offlineSince ?? Date.now() : null;
  const problems = device.health?.problems ?? [];
  const banner = document.getElementById("banner");
  const text = isAway
    ? `Offline since ${new Date(offlineSince).toLocaleTimeString()}. What you see may be old; what happens meanwhile is not lost.`
    : problems.map(sentence).join(" ");
  banner.hidden = text === "";
  banner.dataset.kind = isAway ? "offline" : "problem";
  document.body.classList.toggle("offline", isAway);
  put(banner, text);
}

let entering = false;

/** Asks for the password, and begins anew once it is right. */
async function stranger() {
  if (entering) return;
  entering = true;
  device.client.stop();
  leaving.abort();
  document.body.classList.add("outside");
  const { login } = await import("./login.js");
  await login(place);
  location.reload();
}

function refreshTimes() {
  for (const time of place.querySelectorAll("time[data-ago]")) put(time, ago(Date.parse(time.dateTime)));
}

function listen() {
  device.addEventListener("state", showConnection);
  device.addEventListener("health", () => {
    put(document.getElementById("camera-name"), device.health.camera_id);
    showBanner();
  });
  device.client.on("announcement", ({ message }) => toast(message));
}

async function begin() {
  moduleOf(route()).catch(() => {}); // on its way while the device is asked
  await device.start();
  announceEvents();
  addEventListener("hashchange", async ({ oldURL }) => {
    scrolled.set(new URL(oldURL).hash, scrollY);
    await show();
    place.focus({ preventScroll: true });
    const isList = /^#\/events(\?|$)/.test(location.hash);
    requestAnimationFrame(() => scrollTo(0, isList ? scrolled.get(location.hash) ?? 0 : 0));
  });
  setInterval(refreshTimes, TIMES_MS);
  await show();
}

// The device may still be starting.
async function beginPatiently() {
  for (;;) {
    try {
      return await begin();
    } catch (error) {
      if (error.status === 401) return;
      put(document.getElementById("connection-text"), "The device does not answer");
      await new Promise((resolve) => setTimeout(resolve, TIMES_MS));
    }
  }
}

showNav();
listen();
whenStranger(stranger);
await beginPatiently();
