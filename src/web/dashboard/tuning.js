// Tuning: the strength of motion against what makes an event, live and in the last hour; what other settings would have made of it.

import { ask } from "./api.js";
import { device } from "./device.js";
import { card } from "./dom.js";
import { fail } from "./dom.js";
import { field } from "./dom.js";
import { fill } from "./dom.js";
import { h } from "./dom.js";
import { put } from "./dom.js";
import { select } from "./dom.js";
import { toast } from "./dom.js";
import { count } from "./format.js";
import { score } from "./format.js";
import { span } from "./format.js";
import { livePicture } from "./picture.js";
import { eventsOf } from "./whatif.js";
import { threshold } from "./whatif.js";

const SHOWN_S = 120;
const HOUR_S = 3_600;
const COLUMN_S = 10;
const REFRESH_MS = 20_000;

const FUSION = {
  video: "Motion in the picture", pir: "The PIR sensor", either: "Either of them",
  both: "Both, close together", pir_arms_video: "Motion after the PIR sensor",
};
/** Keys of the configuration that are numbers: section, key, label, unit and hint, least, most, step. */
const NUMBERS = [
  ["motion", "object_size_min", "Smallest thing", "part of the picture's height", 0.005, 0.5, 0.005],
  ["motion", "confirm_frames", "Frames with motion", "that confirm it", 1, 16, 1],
  ["motion", "confirm_window", "Of the last frames", "so many are looked at", 1, 16, 1],
  ["event", "gap_ms", "Quiet that ends an event", "milliseconds", 100, 60000, 100],
  ["event", "window_ms", "Sensors belong together within", "milliseconds", 0, 60000, 100],
  ["event", "length_max_s", "Longest event", "seconds", 1, 3600, 1],
];

/** The view. */
export function view({ signal }) {
  const body = h("div", { class: "tuning" });
  device.reach(async () => fill(body, ...parts(await ask("/api/tuning", { signal }), signal)), signal);
  return body;
}

function parts(tuning, signal) {
  const picture = livePicture(signal, { boxes: true, zones: true, heat: false });
  const wanted = structuredClone(tuning);
  const live = scoreGraph(tuning, wanted, signal);
  const past = lastHour(tuning, wanted, signal);
  const changed = () => [live, past].forEach(({ draw }) => draw());
  const saved = () => past.load().then(changed, fail);
  saved();
  return [
    h("div", { class: "side" }, h("section", { class: "card stage", "aria-label": "Picture" }, picture.element), card("Strength of motion", {}, live.element, past.element)),
    settings(tuning, wanted, past.words, changed, saved),
  ];
}

function scoreGraph(tuning, wanted, signal) {
  const line = h("polyline", { class: "line" });
  const area = h("polygon", { class: "area" });
  const limit = h("line", { class: "limit", x1: 0, x2: SHOWN_S });
  const graph = h("svg", { class: "scores", viewBox: `0 0 ${SHOWN_S} 100`, preserveAspectRatio: "none", role: "img", "aria-label": "Score of the last two minutes" }, area, line, limit);
  const now = h("output", {}, "–");
  const draw = () => {
    const [least, second] = [threshold(tuning.motion.sensitivity, wanted.motion.sensitivity), Math.floor(Date.now() / 1000)];
    const points = device.scores.filter(([at]) => at > second - SHOWN_S).map(([at, value]) => `${SHOWN_S - (second - at)},${100 - 100 * value}`);
    line.setAttribute("points", points.join(" "));
    area.setAttribute("points", points.length > 0 ? `${points[0].split(",")[0]},100 ${points.join(" ")} ${points.at(-1).split(",")[0]},100` : "");
    for (const end of ["y1", "y2"]) limit.setAttribute(end, 100 - 100 * least);
    put(now, `${score(device.overlay?.score ?? 0)} now, ${score(least)} is enough`);
  };
  device.watch("overlay", draw, signal);
  return { element: h("div", {}, h("div", { class: "chart-title" }, h("span", {}, "Last two minutes"), now), graph), draw };
}

function settings(tuning, wanted, words, changed, saved) {
  const mayChange = device.may("control");
  const shown = h("output", {}, String(wanted.motion.sensitivity));
  const slider = h("input", { type: "range", min: 1, max: 10, step: 1, value: wanted.motion.sensitivity, disabled: !mayChange, oninput: () => {
    wanted.motion.sensitivity = Number(slider.value);
    put(shown, slider.value);
    changed();
  } });
  const fusion = select(Object.entries(FUSION), wanted.event.fusion, () => {
    wanted.event.fusion = fusion.value;
    changed();
  }, { disabled: !mayChange });
  const numbers = NUMBERS.map(([section, key, label, hint, min, max, step]) => {
    const input = h("input", { type: "number", min, max, step, value: wanted[section][key], disabled: !mayChange, oninput: () => {
      if (input.value !== "") wanted[section][key] = Number(input.value);
      changed();
    } });
    return field(label, input, hint);
  });
  const save = async (event) => {
    event.preventDefault();
    try {
      const now = await ask("/api/tuning", { method: "PUT", body: differences(tuning, wanted) });
      Object.assign(tuning, structuredClone(now));
      saved();
      toast("Saved, and in force.");
    } catch (error) {
      if (error.status === 405) toast("This device takes its tuning from its configuration only.", "bad");
      else fail(error);
    }
  };
  return card("Settings", {}, h("form", { class: "stack", onsubmit: save },
    sensitivity(slider, shown),
    field("What makes an event", fusion), words, h("div", { class: "grid" }, numbers),
    h("div", { class: "actions end" }, h("button", { type: "submit", class: "primary", disabled: !mayChange }, "Save"))));
}

function sensitivity(slider, shown) {
  slider.id = "sensitivity";
  return h("div", { class: "field" }, h("label", { for: "sensitivity" }, "Sensitivity"),
    h("div", { class: "level" }, slider, shown), h("p", { class: "hint" }, "1: only strong contrasts. 10: the faintest."));
}

/** The part of `wanted` that is another than in `tuning`. */
function differences(tuning, wanted) {
  const sections = Object.entries(wanted).map(([section, keys]) => {
    const changed = Object.entries(keys).filter(([key, value]) => value !== tuning[section][key]);
    return [section, Object.fromEntries(changed)];
  });
  return Object.fromEntries(sections.filter(([, keys]) => Object.keys(keys).length > 0));
}

/** The last hour with the events that these settings would have made of it, and how many that are. */
function lastHour(tuning, wanted, signal) {
  const bars = h("path", { class: "bars-of-hour" });
  const marks = h("g", { class: "fired" });
  const limit = h("line", { class: "limit", x1: 0, x2: HOUR_S });
  const graph = h("svg", { class: "scores", viewBox: `0 0 ${HOUR_S} 112`, preserveAspectRatio: "none", role: "img", "aria-label": "Score of the last hour" }, bars, limit, marks);
  const words = h("p", { class: "verdict", role: "status" });
  const note = h("p", { class: "hint" });
  let seconds = [];
  const draw = () => {
    const least = threshold(tuning.motion.sensitivity, wanted.motion.sensitivity);
    const [would, does] = [eventsOf(seconds, least, wanted.event), eventsOf(seconds, 0.5, tuning.event)];
    const begin = HOUR_S - seconds.length;
    bars.setAttribute("d", barsOf(seconds, begin));
    for (const end of ["y1", "y2"]) limit.setAttribute(end, 100 - 100 * least);
    marks.replaceChildren(...would.map(([first, last]) => h("rect", { x: begin + first, width: Math.max(COLUMN_S, last - first + 1), y: 104, height: 8 })));
    graph.setAttribute("aria-label", `Score of the last hour, and ${count(would.length, "event")} of these settings`);
    fill(words, h("b", {}, `About ${count(would.length, "event")}`), ` in ${spanOf(seconds)}`, would.length === does.length ? "." : `; ${does.length} with what is in force.`);
    put(note, "Dashed: what is enough. Below: the events. An estimate from each second's strongest motion; size, frames and zones are not counted anew.");
  };
  const load = async () => {
    const { scores, pir } = await ask("/api/tuning/scores", { signal });
    seconds = scores.map((value, n) => (value === null ? null : { score: value, pir: pir[n] === "1" }));
    device.recall(scores.slice(-SHOWN_S));
  };
  const timer = setInterval(() => document.visibilityState === "visible" && load().then(draw, () => {}), REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  const axis = h("div", { class: "axis", "aria-hidden": "true" }, ["60 min ago", "45", "30", "15", "now"].map((text) => h("span", {}, text)));
  return { element: h("div", { class: "past" }, h("div", { class: "chart-title" }, h("span", {}, "Last hour")), graph, axis, note), words, draw, load };
}

const spanOf = ({ length }) => (length >= HOUR_S ? "the last hour" : `the last ${span(length * 1000)} (no more is known yet)`);

// The strongest of every few seconds, as an outline of bars.
function barsOf(seconds, begin) {
  const bars = [];
  for (let at = 0; at < seconds.length; at += COLUMN_S) {
    const most = Math.max(0, ...seconds.slice(at, at + COLUMN_S).map((second) => second?.score ?? 0));
    if (most > 0) bars.push(`M${begin + at} 100V${(100 - 100 * most).toFixed(1)}h${COLUMN_S}V100Z`);
  }
  return bars.join("");
}
