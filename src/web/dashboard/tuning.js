// Tuning: the strength of motion against what makes an event, live; what another setting would have made of what was seen.

import { allEvents } from "./api.js";
import { ask } from "./api.js";
import { device } from "./device.js";
import { button } from "./dom.js";
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

const SHOWN_S = 120;
const HOUR_MS = 3_600_000;
const EVENT_PAGES_MAX = 5;
// Thresholds of the detector change by this factor from one sensitivity to the next.
const STEP = 1.25;

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
  ask("/api/tuning", { signal }).then((tuning) => fill(body, ...parts(tuning, signal)), fail);
  return body;
}

function parts(tuning, signal) {
  const picture = livePicture(signal, { boxes: true, zones: true, heat: true });
  const wanted = structuredClone(tuning);
  const listeners = [];
  const changed = () => listeners.forEach((listener) => listener(wanted));
  const graph = scoreGraph(tuning, wanted, signal);
  const past = lastHour(tuning, signal);
  listeners.push(graph.draw, past.draw);
  return [
    h("div", { class: "side" }, h("section", { class: "card stage", "aria-label": "Picture" }, picture.element), card("Strength of motion", {}, graph.element)),
    h("div", { class: "side" }, settings(tuning, wanted, changed), card("With this setting", {}, past.element)),
  ];
}

/** The score that is just enough at sensitivity `at`, in scores at sensitivity `now`, where 0.5 is. */
function threshold(now, at) {
  return 1 / (1 + STEP ** (at - now));
}

function scoreGraph(tuning, wanted, signal) {
  const line = h("polyline", { class: "line" });
  const area = h("polygon", { class: "area" });
  const limit = h("line", { class: "limit", x1: 0, x2: SHOWN_S });
  const graph = h("svg", { class: "scores", viewBox: `0 0 ${SHOWN_S} 100`, preserveAspectRatio: "none", role: "img", "aria-label": "Score of the last two minutes" }, area, line, limit);
  const now = h("output", {}, "–");
  const note = h("p", { class: "hint" });
  const draw = () => {
    const [least, second] = [threshold(tuning.motion.sensitivity, wanted.motion.sensitivity), Math.floor(Date.now() / 1000)];
    const points = device.scores.filter(([at]) => at > second - SHOWN_S).map(([at, value]) => `${SHOWN_S - (second - at)},${100 - 100 * value}`);
    line.setAttribute("points", points.join(" "));
    area.setAttribute("points", points.length > 0 ? `${points[0].split(",")[0]},100 ${points.join(" ")} ${points.at(-1).split(",")[0]},100` : "");
    for (const end of ["y1", "y2"]) limit.setAttribute(end, 100 - 100 * least);
    put(now, `${score(device.overlay?.score ?? 0)} now, ${score(least)} is enough`);
    put(note, wanted.motion.sensitivity === tuning.motion.sensitivity
      ? "The dashed line is what makes an event."
      : `The dashed line is about where sensitivity ${wanted.motion.sensitivity} would put what makes an event.`);
  };
  device.watch("overlay", draw, signal);
  return { element: h("div", {}, h("div", { class: "chart-title" }, h("span", {}, "Last two minutes"), now), graph, note), draw };
}

function settings(tuning, wanted, changed) {
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
    } });
    return field(label, input, hint);
  });
  const save = async (event) => {
    event.preventDefault();
    try {
      const now = await ask("/api/tuning", { method: "PUT", body: differences(tuning, wanted) });
      Object.assign(tuning, structuredClone(now));
      changed();
      toast("Saved, and in force.");
    } catch (error) {
      if (error.status === 405) toast("This device takes its tuning from its configuration only.", "bad");
      else fail(error);
    }
  };
  return card("Settings", {}, h("form", { class: "stack", onsubmit: save },
    sensitivity(slider, shown),
    field("What makes an event", fusion), h("div", { class: "grid" }, numbers),
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

/** What of the last hour would be events at another sensitivity, as far as its scores tell. */
function lastHour(tuning, signal) {
  const list = h("ul", { class: "plain" });
  const note = h("p", { class: "hint" });
  let events = [];
  let wanted = tuning;
  const draw = (other = wanted) => {
    wanted = other;
    const least = threshold(tuning.motion.sensitivity, wanted.motion.sensitivity);
    const seen = events.filter((event) => event.video !== null);
    const still = seen.filter((event) => event.video.peak_score >= least);
    const nearly = nearMisses(least);
    fill(list,
      h("li", {}, h("b", {}, count(still.length, "event")), ` of the ${seen.length} that motion made in the last hour would be made`),
      h("li", {}, h("b", {}, count(seen.length - still.length, "event")), " would not"),
      h("li", {}, h("b", {}, count(nearly, "more moment")), " in which motion was too weak would be enough"));
    const watched = device.scores.length > 0 ? Date.now() - device.scores[0][0] * 1000 : 0;
    put(note, `Weak motion is known from when this page was opened: ${span(Math.min(watched, HOUR_MS))}. An estimate: it takes scores for what another sensitivity would give.`);
  };
  const load = async () => {
    const from = new Date(Date.now() - HOUR_MS).toISOString();
    events = (await allEvents({ from }, EVENT_PAGES_MAX, signal)).events;
    draw();
  };
  load().catch(fail);
  signal.addEventListener("abort", device.client.on("event", ({ data }) => data.phase === "end" && load().catch(fail)));
  draw();
  return { element: h("div", {}, list, note, h("p", {}, button("Count again", () => load().catch(fail)))), draw };
}

/** Times that the score rose above `least` without being enough now. */
function nearMisses(least) {
  let times = 0;
  let above = false;
  for (const [, value] of device.scores) {
    const isMiss = value >= least && value < 0.5;
    if (isMiss && !above) times += 1;
    above = value >= least;
  }
  return times;
}
