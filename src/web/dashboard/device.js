// The device as the page knows it: one stream, health, what the detector sees, figures over time. Views listen, nobody else asks.

import { ask } from "./api.js";
import { askIfThere } from "./api.js";
import { fail } from "./dom.js";
import { Feed } from "./feed.js";
import { LookoutClient } from "./lookout-client.js";

const HEALTH_MS = 5_000;
const TELEMETRY_MAX = 450; // a quarter of an hour, at one every 2 s
const SCORES_MAX = 180;
const DURABLE = ["event", "camera_event", "alert", "snapshot_saved", "clip_saved", "bookmark_created", "bookmark_removed", "event_deleted"];

/** Tells "health", "overlay", "telemetry", "zones", "state", "back" (the device answers, for the first time or again), "who". */
class Device extends EventTarget {
  client = new LookoutClient({ topics: [...DURABLE, "announcement"] });
  feed = new Feed();
  health = null;
  who = null;
  overlay = null;
  heat = null;
  zones = { zones: [], masks: [] };
  /** Whether `zones` are the device's. */
  knowsZones = false;
  telemetry = [];
  /** The strongest score of each second that this page saw: [time, score]. */
  scores = [];
  #wanted = new Map();
  #timer = 0;

  constructor() {
    super();
    for (const type of DURABLE) this.client.on(type, (message) => this.feed.take(message));
    this.client.on("gap", () => this.feed.load().catch(() => {}));
    this.client.on("state", ({ state }) => {
      this.#tell("state");
      if (state !== "live" && state !== "polling") return;
      this.loadZones(); // the device asks its clients back when zones change
      this.#tell("back");
    });
    this.client.on("camera_event", () => this.refresh());
    this.client.on("overlay", ({ data }) => this.#saw(data));
    this.client.on("telemetry", ({ data }) => this.#measured(data));
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.refresh());
  }

  /** Learns all there is to know, and connects. */
  async start() {
    const [who, since] = await Promise.all([ask("/api/session"), this.feed.load()]);
    this.who = who;
    this.client.start(since);
    this.refresh();
    this.#tell("who");
  }

  /** Asks how the device is, now, and then every few seconds. */
  async refresh() {
    clearTimeout(this.#timer);
    try {
      const health = await ask("/api/health", { accept: [503] });
      if (this.health && this.health.version !== health.version) return location.reload(); // it was updated
      this.health = health;
      this.#tell("health");
    } catch {
      // The connection's state says so already.
    }
    clearTimeout(this.#timer);
    if (document.visibilityState === "visible") this.#timer = setTimeout(() => this.refresh(), HEALTH_MS);
  }

  async loadZones() {
    const zones = await askIfThere("/api/zones").catch(() => null);
    [this.zones, this.knowsZones] = [zones ?? this.zones, this.knowsZones || zones !== null];
    this.#tell("zones");
  }

  /** Be told of `topic` until `signal` aborts; it is asked for as long as anybody wants it. */
  want(topic, signal) {
    const wanted = (this.#wanted.get(topic) ?? 0) + 1;
    this.#wanted.set(topic, wanted);
    this.client.subscribe(topic);
    signal.addEventListener("abort", () => {
      const left = this.#wanted.get(topic) - 1;
      this.#wanted.set(topic, left);
      if (left === 0) this.client.unsubscribe(topic);
    });
  }

  /** Calls `handler` now and whenever `type` was told, until `signal` aborts. */
  watch(type, handler, signal) {
    this.addEventListener(type, handler, { signal });
    handler();
  }

  /** Calls `load`; where the device is not there to answer, says so and calls it again once it is back, until `signal` aborts. */
  async reach(load, signal) {
    try {
      await load();
    } catch (error) {
      if (signal.aborted) return;
      fail(error);
      if (error instanceof TypeError) this.addEventListener("back", () => this.reach(load, signal), { once: true, signal });
    }
  }

  /** Width and height of the picture; as good as any before it is known. */
  get shape() {
    const format = this.health?.pipeline.format;
    return format ? { width: format.width, height: format.height } : { width: 640, height: 480 };
  }

  /** Takes scores of seconds, the last one being now, in place of those that this page saw. */
  recall(scores) {
    const first = Math.floor(Date.now() / 1000) - scores.length + 1;
    this.scores = scores.map((score, n) => [first + n, score]).filter(([, score]) => score !== null).slice(-SCORES_MAX);
    this.#tell("overlay");
  }

  /** Whether we may change things, or administer. */
  may(scope) {
    const ranks = ["read", "control", "admin"];
    return ranks.indexOf(this.who?.scope) >= ranks.indexOf(scope);
  }

  #saw(overlay) {
    this.overlay = overlay;
    this.heat = overlay.heat ?? this.heat;
    const second = Math.floor(Date.now() / 1000);
    const last = this.scores.at(-1);
    if (last?.[0] === second) last[1] = Math.max(last[1], overlay.score);
    else this.scores.push([second, overlay.score]);
    if (this.scores.length > SCORES_MAX) this.scores.shift();
    this.#tell("overlay");
  }

  #measured(data) {
    this.telemetry.push({ at: Date.now(), ...data });
    if (this.telemetry.length > TELEMETRY_MAX) this.telemetry.shift();
    this.#tell("telemetry");
  }

  #tell(type) {
    this.dispatchEvent(new Event(type));
  }
}

export const device = new Device();
