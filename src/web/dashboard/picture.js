// The live picture with what the detector sees drawn over it. Pictures come on the stream that the page already has; where there
// is no stream, single ones are asked for. Where as many look as may, it says so, and takes the next place that is free.

import { device } from "./device.js";
import { h } from "./dom.js";
import { put } from "./dom.js";
import { sentence } from "./dom.js";
import { timeOfDay } from "./format.js";

const RATE = 8;
const ASK_MS = 1_000;
const ASK_AGAIN_MS = 5_000;
const STALE_MS = 4_000;

/** A figure with the live picture, until `signal` aborts; `layers` says what is drawn over it (`boxes`, `zones`, `heat`). */
export function livePicture(signal, layers = { boxes: true, zones: true, heat: true }) {
  const canvas = h("canvas", { class: "frame", role: "img", "aria-label": "Live picture" });
  const heat = h("canvas", { class: "heat", "aria-hidden": "true", hidden: true });
  const zones = h("g", { class: "zones" });
  const boxes = h("g", { class: "boxes" });
  const overlay = h("svg", { class: "overlay", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" }, zones, boxes);
  const note = h("p", { class: "note", role: "status" }, "Waiting for the picture");
  const element = h("figure", { class: "picture" }, canvas, heat, overlay, note);
  const source = new Source(canvas, note, signal);
  const drawZones = () => {
    zones.replaceChildren(...(layers.zones ? [...device.zones.zones.map((zone) => outline(zone.polygon, "zone")), ...device.zones.masks.map((mask) => outline(mask, "mask"))] : []));
  };
  const drawMotion = () => {
    boxes.replaceChildren(...(layers.boxes ? (device.overlay?.boxes ?? []).map(rectangle) : []));
    heat.hidden = !layers.heat || device.heat === null;
    if (!heat.hidden) drawHeat(heat, device.heat);
  };
  device.want("overlay", signal);
  device.watch("zones", drawZones, signal);
  device.watch("overlay", drawMotion, signal);
  device.watch("health", () => source.shape(device.shape), signal);
  return { element, overlay, redraw: () => (drawZones(), drawMotion()) };
}

/** A polygon in parts of the picture. */
export function outline(points, kind) {
  return h("polygon", { class: kind, points: points.map((point) => point.join(",")).join(" ") });
}

/** A box in parts of the picture. */
export function rectangle({ x, y, width, height }) {
  return h("rect", { x, y, width, height });
}

function drawHeat(canvas, { columns, rows, cells }) {
  if (canvas.dataset.cells === cells) return;
  canvas.dataset.cells = cells;
  [canvas.width, canvas.height] = [columns, rows];
  const image = new ImageData(columns, rows);
  [...cells].forEach((digit, cell) => image.data.set([255, 120, 20, Number(digit) * 18], cell * 4));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Pictures for a canvas, from the stream or one by one; only the newest counts. */
class Source {
  #canvas;
  #note;
  #signal;
  #next = null;
  #drawing = false;
  #asks = false;
  #again = 0;
  #shown = 0;
  #why = "";

  constructor(canvas, note, signal) {
    [this.#canvas, this.#note, this.#signal] = [canvas, note, signal];
    const { client } = device;
    const ends = [
      client.on("picture", (bytes) => this.#take(new Blob([bytes], { type: "image/jpeg" }))),
      client.on("error", ({ message }) => /live/.test(message) && this.#refused(message)),
      client.on("state", () => this.#start()),
    ];
    document.addEventListener("visibilitychange", () => this.#start(), { signal });
    const age = setInterval(() => this.#say(), 1000);
    signal.addEventListener("abort", () => {
      ends.forEach((end) => end());
      clearInterval(age);
      clearTimeout(this.#again);
      client.send({ type: "live", action: "stop" });
    });
    this.#start();
  }

  shape({ width, height }) {
    this.#canvas.parentElement?.style.setProperty("--shape", `${width} / ${height}`);
  }

  #start() {
    clearTimeout(this.#again);
    const looks = document.visibilityState === "visible";
    device.client.send({ type: "live", action: looks ? "start" : "stop", ...(looks ? { fps: RATE } : {}) });
    if (looks && device.client.state.state === "polling") this.#ask();
  }

  #refused(message) {
    this.#why = sentence(message);
    this.#say();
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#start(), ASK_AGAIN_MS);
  }

  // One after another, as long as there is no stream.
  async #ask() {
    if (this.#asks) return;
    this.#asks = true;
    while (!this.#signal.aborted && device.client.state.state === "polling") {
      const wait = document.visibilityState === "visible" ? await this.#askOnce() : ASK_MS;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
    this.#asks = false;
  }

  async #askOnce() {
    try {
      const answer = await fetch("/api/snapshot.jpg", { signal: this.#signal });
      if (answer.ok) return this.#take(await answer.blob()), ASK_MS;
      this.#why = sentence((await answer.json()).detail);
    } catch {
      // The connection's state says so.
    }
    return ASK_AGAIN_MS;
  }

  async #take(picture) {
    this.#next = picture;
    if (this.#drawing) return;
    this.#drawing = true;
    while (this.#next !== null) {
      const newest = this.#next;
      this.#next = null;
      await this.#draw(newest);
    }
    this.#drawing = false;
  }

  async #draw(picture) {
    try {
      const bitmap = await createImageBitmap(picture);
      const { width, height } = bitmap;
      if (this.#canvas.width !== width || this.#canvas.height !== height) [this.#canvas.width, this.#canvas.height] = [width, height];
      this.#canvas.getContext("2d").drawImage(bitmap, 0, 0);
      bitmap.close();
      [this.#shown, this.#why] = [Date.now(), ""];
      this.#say();
    } catch {
      // A damaged picture; the next one is on its way.
    }
  }

  // A picture that stands still must not look like one that is live.
  #say() {
    const isStale = Date.now() - this.#shown > STALE_MS;
    const isLost = device.health !== null && device.health.pipeline.camera === "lost";
    const why = isLost ? "The camera is lost" : this.#why || (this.#shown === 0 ? "Waiting for the picture" : "No new picture");
    this.#note.hidden = !isStale;
    this.#canvas.classList.toggle("stale", isStale && this.#shown > 0);
    put(this.#note, this.#shown === 0 || this.#why ? why : `${why} since ${timeOfDay(this.#shown)}`);
  }
}
