// One event in a list: its picture, or where in the picture it was; when, what, how strong.

import { h } from "./dom.js";
import { TRIGGER } from "./format.js";
import { ago } from "./format.js";
import { duration } from "./format.js";
import { score } from "./format.js";
import { when } from "./format.js";
import { rectangle } from "./picture.js";

/** The event as an item of a list; `suffix` is added to its address. */
export function eventItem(event, shape, suffix = "") {
  const at = Date.parse(event.timestamp);
  const more = [duration(event.duration_ms), `score ${score(event.score)}`, ...event.zones];
  return h("li", { "data-id": event.id, "data-seq": event.seq, class: event.phase === "end" ? "" : "running" },
    h("a", { href: `#/events/${event.id}${suffix}` },
      thumbnail(event, shape),
      h("div", { class: "what" },
        h("div", { class: "headline" }, relativeTime(event), badges(event)),
        h("p", { class: "quiet" }, `${when(at)}${event.clock === "synced" ? "" : " · clock not set"}`),
        h("p", { class: "quiet" }, more.join(" · ")))));
}

/** How long ago it was; kept up to date by the page. */
export function relativeTime({ timestamp }) {
  return h("time", { datetime: timestamp, "data-ago": true }, ago(Date.parse(timestamp)));
}

/** What set it off, whether it goes on, whether it is kept. */
export function badges(event) {
  return h("span", { class: "badges" },
    h("span", { class: `badge ${event.trigger}` }, TRIGGER[event.trigger] ?? event.trigger),
    event.phase !== "end" && h("span", { class: "badge live" }, "Running"),
    event.bookmarked && h("span", { class: "badge kept", title: "Kept longest" }, "★ Kept"));
}

/** Where its picture is, with what makes a browser fetch a better one. */
export function pictureOf(event) {
  return event.snapshot_url && `${event.snapshot_url}?v=${event.picture ?? event.seq}`;
}

// Boxes are where motion is now, while an event runs; its picture is of the moment to which those of its end belong.
export const fitting = (event) => (event.snapshot_url && event.phase !== "end" ? [] : event.boxes.map(rectangle));

function thumbnail(event, { width, height }) {
  const count = event.boxes.length;
  const label = count === 0 ? "No place in the picture" : `Motion in ${count} ${count === 1 ? "place" : "places"}`;
  const boxes = h("svg", { class: "where", viewBox: "0 0 1 1", preserveAspectRatio: "none", role: "img", "aria-label": label }, fitting(event));
  const frame = h("span", { class: "thumbnail" }, boxes);
  frame.style.setProperty("--shape", `${width} / ${height}`);
  if (event.snapshot_url) {
    const gone = () => picture.remove();
    const picture = h("img", { src: pictureOf(event), alt: "", loading: "lazy", decoding: "async", onerror: gone });
    frame.prepend(picture);
  }
  return frame;
}
