// A day at a glance: how many events each hour of it had, in the viewer's time zone; an hour chosen filters the feed.

import { allEvents } from "./api.js";
import { device } from "./device.js";
import { button } from "./dom.js";
import { fill } from "./dom.js";
import { h } from "./dom.js";
import { put } from "./dom.js";
import { count } from "./format.js";
import { day } from "./format.js";

const PAGES_MAX = 10;
const TRIGGERS = ["video", "both", "pir", "manual"];

/** The bars of a day, with ways to go to another; `go` is told of the hour that was chosen. */
export function timeline(filter, go, signal) {
  const title = h("h2", { id: "day-title" });
  const note = h("p", { class: "quiet", role: "status" });
  const bars = h("div", { class: "hours", role: "group", "aria-labelledby": "day-title" });
  let shown = midnight(filter.from ? new Date(filter.from) : new Date());
  let events = new Map();
  const draw = () => {
    const hours = hoursOf(shown);
    const inHours = hours.map(() => []);
    for (const event of events.values()) {
      inHours[hours.findLastIndex((begin) => begin.getTime() <= Date.parse(event.timestamp))]?.push(event);
    }
    const most = Math.max(4, ...inHours.map((some) => some.length));
    fill(bars, hours.map((begin, hour) => bar(begin, inHours[hour], most, filter, go)));
  };
  const load = async () => {
    put(title, day(shown));
    const found = await allEvents({ from: shown.toISOString(), to: new Date(tomorrow(shown)).toISOString() }, PAGES_MAX, signal);
    events = new Map(found.events.map((event) => [event.id, event]));
    put(note, found.complete ? count(events.size, "event") : `the newest ${events.size} events`);
    draw();
  };
  const turn = (days) => {
    shown = midnight(new Date(shown.getFullYear(), shown.getMonth(), shown.getDate() + days));
    device.reach(load, signal);
  };
  const ends = [
    device.client.on("event", ({ data, test }) => {
      const at = Date.parse(data.timestamp);
      if (test || at < shown.getTime() || at >= tomorrow(shown)) return;
      events.set(data.id, data);
      put(note, count(events.size, "event"));
      draw();
    }),
    device.client.on("event_deleted", ({ event_id }) => events.delete(event_id) && draw()),
  ];
  signal.addEventListener("abort", () => ends.forEach((end) => end()));
  draw();
  device.reach(load, signal);
  return h("div", { class: "timeline" },
    h("div", { class: "title" }, button("‹", () => turn(-1), { "aria-label": "Day before" }), h("div", { class: "day" }, title, note), button("›", () => turn(1), { "aria-label": "Day after" })), bars);
}

/** One hour: a button as high as it had events, its parts by what set them off. */
function bar(begin, events, most, filter, go) {
  const end = new Date(begin.getTime() + 3_600_000);
  const isChosen = filter.from === begin.toISOString();
  const chosen = () => go(isChosen ? { from: "", to: "" } : { from: begin.toISOString(), to: end.toISOString() });
  const name = begin.toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" });
  const parts = TRIGGERS.map((trigger) => {
    const part = h("span", { class: `part ${trigger}` });
    part.style.height = `${(100 * events.filter((event) => event.trigger === trigger).length) / most}%`;
    return part;
  });
  const label = `${name}: ${count(events.length, "event")}`;
  return h("button", { type: "button", class: "hour", title: label, "aria-label": label, "aria-pressed": String(isChosen), onclick: chosen },
    h("span", { class: "column", "aria-hidden": "true" }, parts),
    h("span", { class: "tick", "aria-hidden": "true" }, begin.getHours() % 6 === 0 ? String(begin.getHours()) : ""));
}

const midnight = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate());
const tomorrow = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1).getTime();

// 23 or 25 of them where the clocks change.
function hoursOf(at) {
  const hours = [];
  for (let begin = at.getTime(); begin < tomorrow(at); begin += 3_600_000) hours.push(new Date(begin));
  return hours;
}
