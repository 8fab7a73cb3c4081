// Now: the live picture with what the detector sees, the state of camera, sensor and clients, the newest events.

import { ask } from "./api.js";
import { device } from "./device.js";
import { button } from "./dom.js";
import { card } from "./dom.js";
import { facts } from "./dom.js";
import { fail } from "./dom.js";
import { fill } from "./dom.js";
import { h } from "./dom.js";
import { put } from "./dom.js";
import { toast } from "./dom.js";
import { toggle } from "./dom.js";
import { CAMERA } from "./format.js";
import { MOTION } from "./format.js";
import { PIR } from "./format.js";
import { bytes } from "./format.js";
import { score } from "./format.js";
import { span } from "./format.js";
import { eventItem } from "./item.js";
import { livePicture } from "./picture.js";

const LATEST = 6;
const WISH_MS = 3_000;
const GLANCE_MS = 2_000;
const LAYERS = "lookout.layers";

/** The view. */
export function view({ signal }) {
  const layers = { boxes: true, zones: true, heat: false, ...JSON.parse(localStorage.getItem(LAYERS) ?? "{}") };
  const picture = livePicture(signal, layers);
  const layerToggle = (name, label) => toggle(label, layers[name], (on) => {
    layers[name] = on;
    localStorage.setItem(LAYERS, JSON.stringify(layers));
    picture.redraw();
  });
  return h("div", { class: "now" },
    h("section", { class: "card stage", "aria-label": "Live picture" }, picture.element,
      h("div", { class: "bar" }, layerToggle("boxes", "Boxes"), layerToggle("zones", "Zones"), layerToggle("heat", "Heat"), meter(signal))),
    stateCard(signal),
    latestCard(signal));
}

/** The strength of motion now, against what makes an event. */
function meter(signal) {
  const level = h("meter", { min: 0, max: 1, low: 0.5, high: 0.5, optimum: 0, value: 0, "aria-label": "Strength of motion; 0.5 is enough for an event" });
  const text = h("output", {}, "0.00");
  device.watch("overlay", () => {
    level.value = device.overlay?.score ?? 0;
    put(text, score(level.value));
  }, signal);
  return h("div", { class: "level" }, h("span", {}, "Motion"), level, text);
}

function stateCard(signal) {
  const body = h("div", {});
  const armed = armedSwitch(signal);
  const trigger = button("Make an event", () => {
    ask("/api/events", { method: "POST" }).then(() => toast("An event was asked for."), fail);
  }, { disabled: !device.may("control") });
  device.watch("health", () => device.health && fill(body, facts(state(device.health))), signal);
  const timer = setInterval(() => document.visibilityState === "visible" && device.refresh(), GLANCE_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  return card("State", { actions: [trigger] }, armed, body);
}

function state({ pipeline, clients, memory, uptime_ms }) {
  const { format, fps } = pipeline;
  const picture = format ? `${format.width}\u00a0×\u00a0${format.height}${fps === null ? "" : `, ${fps.toFixed(1)}\u00a0fps`}` : null;
  return [
    ["Camera", CAMERA[pipeline.camera] ?? pipeline.camera, pipeline.camera === "live" ? "good" : "bad"],
    ["Picture", picture],
    ["Scene", MOTION[pipeline.motion] ?? pipeline.motion, pipeline.motion === "moving" ? "warm" : ""],
    ["PIR sensor", pipeline.pir_active ? "Sees something" : PIR[pipeline.pir] ?? "None", pipeline.pir_active ? "warm" : ""],
    ["Clients", `${clients.active} of ${clients.max}`],
    ["Memory", memory ? `${bytes(memory.used_bytes)} of ${bytes(memory.budget_bytes)}` : null],
    ["Running for", span(uptime_ms)],
    ["Camera's clock", clockState(device.health)],
  ];
}

// The device may have no right time; the viewer's is taken for right.
function clockState({ timestamp }) {
  const off = Math.round((Date.parse(timestamp) - Date.now()) / 1000);
  return Math.abs(off) < 30 ? "Right" : `${span(Math.abs(off) * 1000)} ${off < 0 ? "behind" : "ahead of"} yours`;
}

function armedSwitch(signal) {
  const note = h("span", { class: "quiet" });
  let wished = null; // until the device has done it, which takes a picture or two
  const made = toggle("Armed", true, async (armed) => {
    wished = armed;
    setTimeout(() => (wished = null), WISH_MS);
    await ask("/api/armed", { method: "PUT", body: { armed } }).catch((error) => (fail(error), (wished = null)));
    device.refresh();
  });
  const box = made.querySelector("input");
  box.disabled = !device.may("control");
  device.watch("health", () => {
    if (!device.health) return;
    box.checked = wished ?? device.health.pipeline.armed;
    put(note, box.checked ? "Motion makes events" : "No events are made");
  }, signal);
  return h("div", { class: "armed" }, made, note);
}

function latestCard(signal) {
  const list = h("ol", { class: "events latest" });
  const draw = () => {
    const ids = device.feed.ids.slice(0, LATEST);
    fill(list, ids.length > 0 ? ids.map((id) => eventItem(device.feed.get(id), device.shape)) : h("li", { class: "quiet" }, "Nothing has happened yet."));
  };
  device.reach(() => device.feed.ensure({}), signal);
  device.feed.addEventListener("change", draw, { signal });
  draw();
  return card("Latest events", { actions: [h("a", { href: "#/events" }, "All events")] }, list);
}
