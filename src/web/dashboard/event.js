// One event: its picture and clip, what each sensor saw, and what can be done about it.

import { ask } from "./api.js";
import { device } from "./device.js";
import { button } from "./dom.js";
import { card } from "./dom.js";
import { confirmed } from "./dom.js";
import { facts } from "./dom.js";
import { fail } from "./dom.js";
import { fill } from "./dom.js";
import { h } from "./dom.js";
import { toast } from "./dom.js";
import { clipPlayer } from "./clip.js";
import { END } from "./format.js";
import { dateTime } from "./format.js";
import { duration } from "./format.js";
import { score } from "./format.js";
import { badges } from "./item.js";
import { fitting } from "./item.js";
import { pictureOf } from "./item.js";
import { relativeTime } from "./item.js";

/** The view; `query` is the filter of the list that one came from. */
export function view({ id, query, signal }) {
  const back = `#/events${query.size > 0 ? `?${query}` : ""}`;
  const body = h("div", { class: "event" });
  let shown = "";
  let picture;
  const show = (event) => {
    const version = JSON.stringify(event) + picture;
    if (version === shown || signal.aborted) return;
    shown = version;
    const place = [...body.querySelectorAll("button")].indexOf(document.activeElement);
    fill(body, ...parts({ ...event, picture }, back, refresh, signal));
    body.querySelectorAll("button")[place]?.focus();
  };
  const absent = (error) => fill(body, h("section", { class: "card" }, h("p", {}, error.status === 404 ? `There is no event ${id}: it was deleted, or its time was over.` : error.message)));
  const refresh = () => ask(`/api/events/${id}`, { signal }).then(show, absent);
  const follow = ({ type, seq, data, event_id }) => {
    if (![event_id, data?.event_id, data?.id].includes(Number(id)) || seq === undefined) return;
    if (type === "snapshot_saved") picture = seq;
    refresh();
  };
  signal.addEventListener("abort", device.client.on("*", follow));
  refresh();
  return h("div", {}, neighbours(Number(id), back, query), body);
}

function neighbours(id, back, query) {
  const ids = device.feed.ids;
  const place = ids.indexOf(id);
  const suffix = query.size > 0 ? `?${query}` : "";
  const link = (other, text) => other !== undefined && h("a", { class: "button", href: `#/events/${other}${suffix}` }, text);
  return h("p", { class: "actions neighbours" }, h("a", { class: "button", href: back }, "‹ Events"),
    place > 0 && link(ids[place - 1], "Newer"), place >= 0 && link(ids[place + 1], "Older"));
}

function parts(event, back, refresh, signal) {
  const { pir, video } = event;
  return [
    card(`Event ${event.id}`, { id: "event", actions: [badges(event)] }, picture(event, signal), actions(event, back, refresh)),
    card("What happened", {}, facts([
      ["When", h("span", {}, relativeTime(event), ` · ${dateTime(Date.parse(event.timestamp))}`)],
      ["Clock", event.clock === "synced" ? null : "was not set: only order and distance are right"],
      ["For", duration(event.duration_ms)],
      ["Score", score(event.score)],
      ["Zones", event.zones.join(", ") || null],
      ["Ended as", END[event.end_reason] ?? (event.phase === "end" ? null : "it goes on")],
      ["Suppressed", event.suppressed > 0 ? `${event.suppressed} alike` : null],
    ])),
    card("Evidence", {}, h("h3", {}, "Picture"), video
      ? facts([["Frames with motion", String(video.frames)], ["Strongest", `${score(video.peak_score)} after ${duration(Math.max(0, video.peak_ms))}`], ["Largest part that moved", `${(video.area_permille / 10).toFixed(1)} %`]])
      : h("p", { class: "quiet" }, "Nothing moved in the picture."),
    h("h3", {}, "PIR sensor"), pir
      ? facts([["Times it began to see", String(pir.edges)], ["First", offset(pir.first_ms)], ["Last change", offset(pir.last_ms)]])
      : h("p", { class: "quiet" }, "The sensor saw nothing.")),
  ];
}

const offset = (ms) => (ms < 0 ? `${duration(-ms)} before` : `${duration(ms)} in`);

function picture(event, signal) {
  const boxes = h("svg", { class: "overlay", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" }, h("g", { class: "boxes" }, fitting(event)));
  const gone = h("p", { class: "note" }, event.snapshot_url ? "The picture is gone; its event outlived it." : "No picture was kept; the boxes show where it moved.");
  gone.hidden = Boolean(event.snapshot_url);
  const still = event.snapshot_url && h("img", { class: "frame", src: pictureOf(event), alt: `Picture of event ${event.id}`, onerror: () => (still.remove(), (gone.hidden = false)) });
  const figure = h("figure", { class: "picture" }, still, boxes, gone);
  figure.style.setProperty("--shape", `${device.shape.width} / ${device.shape.height}`);
  return h("div", {}, figure, event.clip_url && clipPlayer(event, figure, signal));
}

function actions(event, back, refresh) {
  const mayChange = device.may("control");
  const keep = button(event.bookmarked ? "★ Kept" : "☆ Keep", () => {
    const method = event.bookmarked ? "DELETE" : "PUT";
    ask(`/api/events/${event.id}/bookmark`, { method }).then(refresh, fail);
  }, { "aria-pressed": String(Boolean(event.bookmarked)), disabled: !mayChange });
  const remove = button("Delete", async () => {
    if (!(await confirmed(`Delete event ${event.id} with its pictures? This cannot be undone.`, "Delete"))) return;
    try {
      await ask(`/api/events/${event.id}`, { method: "DELETE" });
      device.feed.drop(event.id);
      location.hash = back;
      toast(`Event ${event.id} is deleted.`);
    } catch (error) {
      fail(error);
    }
  }, { class: "danger", disabled: !mayChange || event.phase !== "end" });
  return h("div", { class: "actions wrap" }, keep, button("Share link", share), download(event), remove);
}

async function share() {
  const url = location.href;
  try {
    if (navigator.share) await navigator.share({ title: document.title, url });
    else await navigator.clipboard.writeText(url).then(() => toast("The link is copied."));
  } catch (error) {
    if (error.name !== "AbortError") toast(`The link: ${url}`);
  }
}

function download(event) {
  const link = (href, end, what, text) => h("a", { class: "button", href, download: `event-${event.id}.${end}`, "aria-label": `Download ${what}`, title: `Download ${what}` }, `↓ ${text}`);
  return [
    event.clip_url && link(event.clip_url, "mov", "clip", "Clip"),
    event.snapshot_url && link(event.snapshot_url, "jpg", "picture", "Picture"),
    link(`/api/events/${event.id}`, "json", "data", "Data"),
  ];
}
