// What is shown, from what is known: pure functions from health and events to elements. Nothing here asks the device.

const SVG = "http://www.w3.org/2000/svg";
const MOTION = { warm_up: "Learning", still: "Still", candidate: "Something", moving: "Moving", scene_change: "Scene changed" };
const CAMERA = { opening: "Opening", live: "Live", lost: "Lost", ended: "Ended" };
const PIR = { none: "None", warm_up: "Warming up", live: "Quiet", unavailable: "Unavailable" };
const TRIGGER = { video: "Video", pir: "PIR", both: "Video + PIR", manual: "By hand" };
const END = { length: "cut at its longest", camera_lost: "camera lost", disarmed: "disarmed", shutdown: "service stopped", interrupted: "power lost" };

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** Makes an element: `element("p", { class: "quiet" }, "text", child)`. */
export function element(name, attributes = {}, ...children) {
  const made = name === "svg" || name === "rect" ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Puts `text` there, only if it is another: screen readers and layout stay quiet. */
export function put(id, text) {
  const place = document.getElementById(id);
  if (place.textContent !== text) place.textContent = text;
}

/** `3 minutes ago`. */
export function ago(then, now = Date.now()) {
  const seconds = Math.round((then - now) / 1000);
  for (const [unit, size] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(Math.min(0, seconds), "second");
}

function duration(ms) {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

function span(ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} days`;
}

function mebibytes(bytes) {
  return (bytes / 1_048_576).toFixed(1);
}

/** Fills the card of the present. */
export function showHealth(health) {
  const { pipeline, clients, memory } = health;
  put("camera-name", health.camera_id);
  put("camera", CAMERA[pipeline.camera] ?? pipeline.camera);
  const { format, fps } = pipeline;
  put("format", format ? `${format.width} × ${format.height}` : "–");
  put("rate", fps === null ? "–" : `${fps.toFixed(1)} fps`);
  put("motion", MOTION[pipeline.motion] ?? pipeline.motion);
  put("pir", pipeline.pir_active ? "Sees something" : PIR[pipeline.pir] ?? "–");
  put("uptime", span(health.uptime_ms));
  put("clients", `${clients.active} of ${clients.max}`);
  put("memory", memory ? `${mebibytes(memory.used_bytes)} of ${mebibytes(memory.budget_bytes)} MiB` : "–");
  document.getElementById("score").value = pipeline.score;
  put("score-text", pipeline.score.toFixed(2));
  const armed = document.getElementById("armed");
  armed.setAttribute("aria-checked", String(pipeline.armed));
  armed.disabled = false;
  put("armed-note", pipeline.armed ? "" : "No events are made");
  showProblems(health.problems);
}

/** Says what is wrong; nothing when nothing is. */
export function showProblems(problems) {
  const place = document.getElementById("problems");
  if (place.dataset.shown === problems.join("\n")) return;
  place.dataset.shown = problems.join("\n");
  place.hidden = problems.length === 0;
  place.replaceChildren(...problems.map((problem) => element("p", {}, problem)));
}

/** Says how the connection is. */
export function showConnection(state, seconds) {
  const words = { connecting: "Connecting", live: "Live", waiting: `Offline, again in ${seconds} s` };
  document.getElementById("connection").dataset.state = state;
  put("connection-text", words[state]);
}

/** One event as a list item. */
export function eventItem(event, shape) {
  const at = Date.parse(event.timestamp);
  const synced = event.clock === "synced";
  const time = element("time", { datetime: event.timestamp, class: "when", title: synced ? "" : "The clock was not set" }, ago(at));
  const badge = element("span", { class: `badge ${event.trigger}` }, TRIGGER[event.trigger] ?? event.trigger);
  const running = event.phase === "end" ? [] : [element("span", { class: "badge running" }, "Now")];
  const facts = [`${clock.format(at)}${synced ? "" : " (clock not set)"}`, duration(event.duration_ms), `score ${event.score.toFixed(2)}`];
  if (event.zones.length > 0) facts.push(event.zones.join(", "));
  if (event.end_reason in END) facts.push(END[event.end_reason]);
  return element(
    "li",
    { "data-id": event.id },
    boxes(event, shape),
    element("div", {}, element("div", { class: "what" }, time, badge, ...running), element("p", { class: "more" }, facts.join(" · "))),
  );
}

/** Where in the picture motion was: its boxes in the frame's outline. */
function boxes(event, { width, height }) {
  const count = event.boxes.length;
  const label = count === 0 ? "No place in the picture" : `Motion in ${count} ${count === 1 ? "place" : "places"}`;
  const rects = event.boxes.map((box) =>
    element("rect", { x: box.x * width, y: box.y * height, width: box.width * width, height: box.height * height }),
  );
  return element("svg", { class: "picture", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...rects);
}

/** Brings the relative times in the list up to date. */
export function refreshTimes() {
  for (const time of document.querySelectorAll("#events time")) {
    const text = ago(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}
