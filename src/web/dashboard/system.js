// System: health, figures over time, memory promised against measured, the store and what it writes, clients, the log.

import { ask } from "./api.js";
import { askIfThere } from "./api.js";
import { chart } from "./chart.js";
import { device } from "./device.js";
import { card } from "./dom.js";
import { facts } from "./dom.js";
import { fail } from "./dom.js";
import { field } from "./dom.js";
import { fill } from "./dom.js";
import { h } from "./dom.js";
import { select } from "./dom.js";
import { sentence } from "./dom.js";
import { toast } from "./dom.js";
import { bytes } from "./format.js";
import { count } from "./format.js";
import { dateTime } from "./format.js";
import { span } from "./format.js";
import { timeOfDay } from "./format.js";

const REFRESH_MS = 10_000;
const LOG_LINES = 100;
const DAY_MS = 86_400_000;
const CHARTS = [
  ["Frames a second", (value) => value.toFixed(1), (figures) => figures.fps],
  ["Frame to decision", (value) => `${Math.round(value)} ms`, (figures) => figures.latency_ms],
  ["Time in the detector", (value) => `${(value / 1000).toFixed(1)} ms`, (figures) => figures.stages?.detect_us],
  ["Time to the disk", (value) => `${(value / 1000).toFixed(1)} ms`, (figures) => figures.stages?.commit_us],
  ["Memory", bytes, (figures) => figures.memory?.used_bytes],
  ["Processor", (value) => `${value.toFixed(0)} °C`, (figures) => figures.temperature_c],
  ["Wi-Fi", (value) => `${value} dBm`, (figures) => figures.wifi_dbm],
];

/** The view. */
export function view({ signal }) {
  const [health, memory, store] = [h("div"), h("div"), h("div")];
  const refresh = () => ask("/api/system", { signal }).then((system) => {
    fill(memory, ...ledger(system));
    fill(store, storage(system));
  }).catch(fail);
  device.watch("health", () => device.health && fill(health, ...healthOf(device.health)), signal);
  refresh();
  const timer = setInterval(() => document.visibilityState === "visible" && refresh(), REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  return h("div", { class: "system" },
    card("Health", {}, health), charts(signal), card("Memory", {}, memory), card("Storage", {}, store), network(signal), clients(signal), log(signal));
}

function healthOf({ problems, version, boot_id, uptime_ms, pipeline, recorder, frame_age_ms }) {
  const { frames, edges } = pipeline;
  return [
    h("p", { class: `verdict ${problems.length === 0 ? "good" : "bad"}` }, problems.length === 0 ? "All is well." : problems.map(sentence).join(" ")),
    facts([
      ["Version", version],
      ["Running for", span(uptime_ms)],
      ["Last frame", frame_age_ms === null ? "none yet" : `${(frame_age_ms / 1000).toFixed(1)} s ago`],
      ["Frames skipped", String(frames.skipped)],
      ["Unreadable frames", String(pipeline.frames_unreadable)],
      ["PIR edges missed", String(edges.missed)],
      ["Records lost", String(recorder.records_dropped)],
      ["Boot", h("span", { class: "mono" }, String(boot_id).slice(0, 8))],
    ]),
  ];
}

function charts(signal) {
  const made = CHARTS.map(([title, format, value]) => ({ value, ...chart(title, format) }));
  const waiting = h("p", { class: "quiet" }, "The first figures come within seconds.");
  const warning = h("p", { class: "bad" });
  device.want("telemetry", signal);
  device.watch("telemetry", () => {
    waiting.hidden = device.telemetry.length > 0;
    for (const { value, draw } of made) draw(device.telemetry.map(value));
    const held = device.telemetry.at(-1)?.throttling;
    const words = held && { undervoltage: "the supply's voltage is too low", throttled: "the processor is held back", hot: "the processor is hot", capped: "its clock is capped" };
    const now = Object.entries(words ?? {}).filter(([key]) => held[key]).map(([, text]) => text);
    fill(warning, now.length > 0 && sentence(now.join(", ")));
  }, signal);
  return card("Figures", {}, waiting, h("div", { class: "charts" }, made.map(({ element }) => element)), warning);
}

function ledger({ memory, ledger: lines }) {
  const promised = lines.reduce((sum, line) => sum + line.bytes, 0);
  const budget = memory?.budget_bytes ?? promised;
  const bar = (part, kind) => {
    const filled = h("span", { class: kind });
    filled.style.width = `${Math.min(100, (100 * part) / budget)}%`;
    return h("span", { class: "meterbar", "aria-hidden": "true" }, filled);
  };
  const rows = lines.toSorted((one, other) => other.bytes - one.bytes).map((line) => h("tr", {},
    h("th", { scope: "row" }, line.holder), h("td", { class: "number" }, bytes(line.bytes)), h("td", { class: "bars" }, bar(line.bytes, "promised")), h("td", { class: "quiet wide" }, line.reason)));
  return [
    memory && facts([["In use", bytes(memory.used_bytes)], ["At most so far", bytes(memory.peak_bytes)], ["Promised", bytes(promised)], ["Budget", bytes(memory.budget_bytes)]]),
    memory && h("p", { class: "total" }, "In use ", bar(memory.used_bytes, "used")),
    h("table", {}, h("caption", {}, "Who may hold how much"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Holder"), h("th", { scope: "col", class: "number" }, "At most"), h("th", { scope: "col" }, "Of the budget"), h("th", { scope: "col", class: "wide" }, "For"))),
      h("tbody", {}, rows)),
  ].filter(Boolean);
}

function storage({ store, uptime_ms, camera }) {
  const disk = device.telemetry.at(-1)?.disk;
  const perDay = uptime_ms > 60_000 ? `${bytes((store.bytes_written * DAY_MS) / uptime_ms)} a day` : "known after a minute";
  return facts([
    ["Events", store.events.toLocaleString()],
    ["Kept longest", count(store.bookmarks, "bookmark")],
    ["Messages for who was away", store.messages.toLocaleString()],
    ["Database", `${bytes(store.used_bytes)} in ${bytes(store.file_bytes)}`],
    ["Written since the start", `${bytes(store.bytes_written)}, ${count(store.syncs, "sync")}`],
    ["Wear of the card", perDay],
    ["Room on the disk", disk ? `${bytes(disk.free_bytes)} free` : null],
    ["Camera", camera.source],
  ]);
}

function network(signal) {
  const place = h("div");
  let name = location.host;
  const made = card("Wi-Fi", { hidden: true }, place, wifi(() => name));
  const words = { settled: "Connected", waiting: "No network yet", access_point: "An access point for set-up", joining: "Joining", testing: "Joined: log in over this network and it is kept" };
  const refresh = async () => {
    const report = device.may("admin") ? await askIfThere("/api/network", { signal }) : null;
    made.hidden = report === null || report.state === "off";
    if (made.hidden) return;
    const { state, ssid, failed, networks, access_point: own } = report;
    if (own) name = `${own}.local`;
    fill(place, facts([["State", words[state]], ["Network", ssid]]), failed && h("p", { class: "bad" }, `${failed.ssid}: ${sentence(failed.message)}`),
      h("datalist", { id: "networks" }, networks.map((seen) => h("option", { value: seen.ssid }, `${seen.signal_dbm} dBm`))));
  };
  device.watch("health", () => refresh().catch(() => {}), signal);
  return made;
}

function wifi(name) {
  const ssid = h("input", { required: true, maxlength: 32, list: "networks", autocomplete: "off" });
  const passphrase = h("input", { type: "password", minlength: 8, maxlength: 64, autocomplete: "off" });
  const country = h("input", { pattern: "[A-Za-z]{2}", maxlength: 2, size: 2 });
  const submit = (event) => {
    event.preventDefault();
    const body = { ssid: ssid.value, passphrase: passphrase.value, ...(country.value && { country: country.value.toUpperCase() }) };
    ask("/api/network/wifi", { method: "PUT", body }).then(() => toast(`Take this device to ${ssid.value} now, open ${name()} there, and log in within five minutes.`), fail);
  };
  return h("form", { class: "stack", onsubmit: submit }, field("Network", ssid), field("Passphrase", passphrase, "Empty for an open network"), field("Country", country, "Two letters, as in DE"),
    h("p", { class: "hint" }, "The device leaves its own access point, and comes back to it if nobody reaches it over the new network."), h("div", { class: "actions" }, h("button", { type: "submit" }, "Join")));
}

function clients(signal) {
  const body = h("tbody");
  const note = h("p", { class: "quiet" });
  device.want("presence", signal);
  const end = device.client.on("presence", ({ data }) => {
    fill(note, count(data.count, "stream"));
    fill(body, data.clients.map((client) => h("tr", {},
      h("th", { scope: "row", class: "mono" }, client.connection_id.slice(0, 8)), h("td", { class: "wide" }, client.network), h("td", {}, client.door),
      h("td", { class: "number" }, client.delivered.toLocaleString()), h("td", { class: "number" }, client.behind.toLocaleString()), h("td", { class: "number" }, client.lagged.toLocaleString()))));
  });
  signal.addEventListener("abort", end);
  const heads = ["Connection", "Network", "Door"].map((name) => h("th", { scope: "col", class: name === "Network" && "wide" }, name));
  const numbers = ["Delivered", "Behind", "Missed"].map((name) => h("th", { scope: "col", class: "number" }, name));
  return card("Clients", {}, note, h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table of clients" },
    h("table", {}, h("thead", {}, h("tr", {}, heads, numbers)), body)));
}

function log(signal) {
  const lines = h("ol", { class: "log", tabindex: 0, "aria-label": "Newest lines of the log first" });
  const load = async () => {
    const answer = await askIfThere(`/api/logs?level=${level.value}&limit=${LOG_LINES}`, { signal });
    if (answer === null || answer.lines.length === 0) fill(lines, h("li", { class: "quiet" }, answer === null ? "The log is for administrators." : "Nothing was logged at this level."));
    else fill(lines, answer.lines.map((line) => h("li", { class: line.level.toLowerCase() },
      h("time", { datetime: line.timestamp, title: dateTime(Date.parse(line.timestamp)) }, timeOfDay(Date.parse(line.timestamp))), h("b", {}, line.level), h("span", {}, line.text))));
  };
  const levels = ["error", "warn", "info", "debug"].map((name) => [name, name]);
  const level = select(levels, "info", () => load().catch(fail), { "aria-label": "Least level" });
  load().catch(fail);
  const timer = setInterval(() => document.visibilityState === "visible" && load().catch(() => {}), REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  return card("Log", { actions: [level] }, lines);
}
