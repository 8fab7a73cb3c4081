// Update: what runs in which slot, a bundle sent and installed, how far it is, what became of the last one.

import { ask } from "./api.js";
import { askIfThere } from "./api.js";
import { device } from "./device.js";
import { button } from "./dom.js";
import { card } from "./dom.js";
import { confirmed } from "./dom.js";
import { facts } from "./dom.js";
import { fail } from "./dom.js";
import { field } from "./dom.js";
import { fill } from "./dom.js";
import { h } from "./dom.js";
import { put } from "./dom.js";
import { sentence } from "./dom.js";
import { bytes } from "./format.js";
import { dateTime } from "./format.js";

const TASKS = ["task.started", "task.progress", "task.completed", "task.failed"];
const REFRESH_MS = 10_000;
const STATE = {
  off: "This system is not updated from here", idle: "Ready", receiving: "A bundle comes in", installing: "Installing",
  reboot_needed: "Installed: it runs after a reboot", testing: "On trial: it has to show that camera, store and server work",
};

/** The view. */
export function view({ signal }) {
  const body = h("div", {});
  const progress = h("progress", { max: 100, value: 0, "aria-label": "Progress" });
  const words = h("p", { role: "status" });
  const work = { progress, words, element: h("div", { class: "work", hidden: true }, progress, words) };
  const refresh = async () => {
    const report = await askIfThere("/api/update", { signal });
    if (!signal.aborted) fill(body, report === null ? absent() : overview(report, refresh));
    install.hidden = report === null || report.state === "off";
    if (report?.task) show(work, report.task.percentage, `${report.task.message}`);
  };
  const form = upload(work, () => refresh().catch(fail), signal);
  const install = card("Install", { hidden: true }, form, work.element,
    h("p", { class: "hint" }, "A bundle is signed; the device refuses what is not for it, or is damaged, or older than what runs. It installs beside the running system, and comes back to that by itself if the new one does not work."));
  for (const topic of TASKS) {
    device.want(topic, signal);
    signal.addEventListener("abort", device.client.on(topic, (message) => told(message, work, refresh)));
  }
  refresh().catch(fail);
  const timer = setInterval(() => document.visibilityState === "visible" && refresh().catch(() => {}), REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  return h("div", { class: "update" }, card("System", {}, body), install);
}

function absent() {
  const why = device.may("admin") ? "This build is not updated from here." : "Updates are for administrators.";
  return [facts([["Version", device.health?.version ?? "unknown"]]), h("p", { class: "hint" }, why)];
}

function overview({ state, version, slots, problem, last }, refresh) {
  const reboot = button("Reboot now", async () => {
    if (!(await confirmed("Reboot the device now? It is away for about a minute.", "Reboot"))) return;
    ask("/api/update/reboot", { method: "POST" }).then(refresh, fail);
  }, { class: "primary", disabled: !device.may("admin") });
  return [
    h("p", { class: "verdict" }, sentence((state === "off" && problem) || (STATE[state] ?? state))),
    facts([["Version that runs", version]]),
    slots.length > 0 && h("div", { class: "slots" }, slots.map(slot)),
    slots.length === 0 && problem && state !== "off" && h("p", { class: "hint" }, sentence(problem)),
    last && h("p", { class: "hint" }, `Last update: ${lastWords(last)}`),
    state === "reboot_needed" && h("p", {}, reboot),
  ].filter(Boolean);
}

function slot({ bootname, booted, bootable, version, installed }) {
  const at = installed && ` · ${dateTime(Date.parse(installed))}`;
  return h("div", { class: `slot ${booted ? "booted" : ""}` }, h("b", {}, `Slot ${bootname}`), h("span", {}, version ?? "as flashed"),
    h("span", { class: "quiet" }, booted ? "runs" : bootable ? "ready to start" : "would not be started", at));
}

function lastWords({ version, from_version, outcome, why, timestamp }) {
  return [`${from_version} to ${version}: ${outcome.replaceAll("_", " ")}`, why, dateTime(Date.parse(timestamp))].filter(Boolean).join(" · ");
}

function show({ element, progress, words }, percentage, text, isBad = false) {
  element.hidden = false;
  progress.hidden = percentage === null;
  progress.value = percentage ?? 0;
  words.className = isBad ? "bad" : "";
  put(words, text);
}

function told(message, work, refresh) {
  const task = message.data ?? message;
  if (task.task_type && task.task_type !== "update") return;
  const { type } = message;
  if (type === "task.failed") show(work, null, sentence(`refused: ${task.error}`), true);
  else if (type === "task.completed") show(work, 100, sentence(task.message));
  else show(work, task.progress?.percentage ?? 0, sentence(task.message));
  if (type !== "task.progress") refresh().catch(fail);
}

function upload(work, done, signal) {
  const file = h("input", { type: "file", required: true, accept: ".raucb" });
  const send = h("button", { type: "submit", class: "primary" }, "Install");
  const submit = async (event) => {
    event.preventDefault();
    const [bundle] = file.files;
    send.disabled = true;
    try {
      await sent(bundle, (part) => show(work, Math.round(100 * part), `Sending ${bundle.name}: ${bytes(part * bundle.size)} of ${bytes(bundle.size)}`), signal);
      show(work, 0, "The device looks at the bundle.");
    } catch (error) {
      if (!signal.aborted) show(work, null, sentence(`refused: ${error.message}`), true);
    }
    send.disabled = false;
    done();
  };
  return h("form", { class: "stack", onsubmit: submit }, field("Bundle", file, "A file that ends in .raucb"), h("div", { class: "actions" }, send));
}

// Not by fetch, which does not tell how far an upload is.
function sent(bundle, progress, signal) {
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(wordsOf(request))));
    request.onerror = () => reject(new Error("the connection broke while the bundle was sent"));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", "/api/update");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.send(bundle);
  });
}

function wordsOf(request) {
  try {
    return JSON.parse(request.responseText).detail;
  } catch {
    return `the device answered ${request.status}`;
  }
}
