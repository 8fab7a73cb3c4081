// A client of Lookout's stream, for pages and programs: one WebSocket that comes back by itself and goes on where it was, and
// polling where WebSockets are blocked. It needs nothing but a browser (or another place with fetch and WebSocket).
//
//   import { LookoutClient } from "http://lookout.local:8000/lookout-client.js";
//   const camera = new LookoutClient({ address: "http://lookout.local:8000", topics: ["event"] });
//   camera.on("event", ({ data }) => console.log(data.timestamp, data.trigger, data.phase, data.score));
//   camera.on("state", ({ state }) => console.log(state));
//   camera.start();
//
// What is durable (`event`, `alert`, ...: whatever has a `seq`) comes once each, also over a lost network, a sleep, or a restart
// of the device. What only its latest counts of (`telemetry`, `overlay`, ...) comes when there is something new.

/**
 * @typedef {"connecting"|"live"|"waiting"|"polling"|"unauthorized"|"stopped"} StateName
 * @typedef {{ state: StateName, retryMs?: number, why?: string }} State
 * @typedef {{ x: number, y: number, width: number, height: number }} Box in parts of the picture
 * @typedef {object} LookoutEvent
 * @property {number} id identity; ascending in the order of beginning
 * @property {number} seq number of the newest message about it
 * @property {string} timestamp RFC 3339, when it began
 * @property {string} camera_id
 * @property {"video"|"pir"|"both"|"manual"} trigger
 * @property {"start"|"update"|"end"} phase
 * @property {number} duration_ms
 * @property {number} score 0 to 1; 0.5 is just enough for an event
 * @property {string[]} zones
 * @property {Box[]} boxes
 * @property {?{edges: number, first_ms: number, last_ms: number, active: boolean}} pir
 * @property {?{frames: number, peak_score: number, peak_ms: number, area_permille: number}} video
 * @property {?string} end_reason
 * @property {?string} snapshot_url
 * @property {?string} clip_url
 * @property {boolean} [bookmarked]
 * @property {"synced"|"unsynced"} clock whether `timestamp` is to be believed
 * @typedef {{ type: "event", timestamp: string, seq: number, data: LookoutEvent }} EventMessage
 * @typedef {{ type: string, timestamp: string, seq?: number, data?: any }} Message any other; /api/asyncapi.json has them all
 *
 * @typedef {object} Wishes
 * @property {string[]} [topics] what to be told of: "event", "alert", "camera_event", "telemetry", "overlay", ...
 * @property {?string[]} [zones] only what touches one of these
 * @property {?number} [minScore] only what is at least that strong
 */

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 30_000;
const OPEN_MS_MAX = 8_000;
// The device says something at least every heartbeat (30 s); after two and a half the line is dead.
const SILENCE_MAX_MS = 75_000;
const PROBE_AFTER_MS = 5_000;
const PROBE_MS_MAX = 3_000;
const POLL_MS = 3_000;
const POLL_PAGES_MAX = 20;
// Handshakes that fail although the device answers, before it is taken that WebSockets are blocked.
const BLOCKED_AFTER = 2;

/** A stream of messages from one device. */
export class LookoutClient {
  #address;
  #token;
  #topics;
  #conditions;
  #handlers = new Map();
  #socket = null;
  #state = { state: "stopped" };
  #since = null; // everything durable up to here was delivered ...
  #above = new Set(); // ... and these, while a replay fills what lies between
  #recovering = false;
  #catchUp = false; // what was missed is asked for once the subscription holds
  #resume = null;
  #store = null;
  #failures = 0;
  #blocked = 0;
  #retryAfter = 0;
  #heard = 0;
  #timers = { retry: 0, silence: 0, poll: 0, probe: 0, open: 0 };

  /** @param {Wishes & { address?: string|URL, token?: string }} [options] where the device is, and a token unless it is the page's own */
  constructor({ address = globalThis.location?.href, token, topics = ["event"], zones, minScore } = {}) {
    this.#address = new URL("/", address);
    this.#token = token;
    this.#topics = new Set(topics);
    this.#conditions = { zones, min_score: minScore };
    globalThis.addEventListener?.("online", () => this.hurry());
    globalThis.addEventListener?.("pageshow", () => this.hurry());
    globalThis.document?.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.hurry());
  }

  /**
   * Calls `handler` for every message of that type; for "state" with a {@link State}, for "gap" when something is gone for
   * good (read the events anew), for "picture" with the bytes of a live picture, for "*" with every message.
   * @template {string} T
   * @param {T} type
   * @param {(message: T extends "event" ? EventMessage : T extends "state" ? State : T extends "picture" ? ArrayBuffer : Message) => void} handler
   * @returns {() => void} ends it
   */
  on(type, handler) {
    if (!this.#handlers.has(type)) this.#handlers.set(type, new Set());
    this.#handlers.get(type).add(handler);
    return () => this.#handlers.get(type)?.delete(handler);
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /** Connects. @param {number} [since] a `seq`: whatever is durable and newer comes; without it, what happens from now on */
  start(since) {
    this.#since ??= since ?? null;
    this.#failures = 0;
    this.#connect();
  }

  /** Hangs up for good, or until `start`. */
  stop() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    this.#tell({ state: "stopped" });
  }

  /** Be told of these, too. @param {...string} topics */
  subscribe(...topics) {
    const added = topics.filter((topic) => !this.#topics.has(topic));
    for (const topic of added) this.#topics.add(topic);
    if (added.length > 0) this.send({ type: "subscribe", event_types: added });
  }

  /** Be told of these no more. @param {...string} topics */
  unsubscribe(...topics) {
    const dropped = topics.filter((topic) => this.#topics.delete(topic));
    if (dropped.length > 0) this.send({ type: "unsubscribe", event_types: dropped });
  }

  /** Sends a message, if there is a connection. @returns {boolean} whether there is */
  send(message) {
    const open = this.#socket?.readyState === WebSocket.OPEN;
    if (open) this.#socket.send(JSON.stringify(message));
    return open;
  }

  /** Looks whether the connection lives, and connects at once if it does not: after a sleep, or when the network is back. */
  hurry() {
    const { state } = this.#state;
    if (state === "waiting") this.#connect();
    if (state !== "live" || Date.now() - this.#heard < PROBE_AFTER_MS) return;
    this.send({ type: "ping" });
    clearTimeout(this.#timers.probe);
    this.#timers.probe = setTimeout(() => this.#drop(), PROBE_MS_MAX);
  }

  /** Asks the REST API, with the token if there is one. @param {string} path @param {RequestInit} [options] @returns {Promise<Response>} */
  fetch(path, options = {}) {
    const headers = new Headers(options.headers);
    if (this.#token) headers.set("Authorization", `Bearer ${this.#token}`);
    return fetch(new URL(path, this.#address), { ...options, headers });
  }

  #connect() {
    clearTimeout(this.#timers.retry);
    if (this.#state.state !== "polling") this.#tell({ state: "connecting" });
    const address = new URL("/ws", this.#address);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    if (this.#resume) address.searchParams.set("resume", this.#resume);
    if (this.#resume && this.#since !== null) address.searchParams.set("since", this.#since);
    const socket = new WebSocket(address, this.#token ? [`lookout.token.${this.#token}`] : []);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(data);
    socket.onclose = () => socket === this.#socket && this.#lost();
    clearTimeout(this.#timers.open);
    this.#timers.open = setTimeout(() => this.#drop(), OPEN_MS_MAX);
  }

  #receive(data) {
    this.#heard = Date.now();
    clearTimeout(this.#timers.probe);
    clearTimeout(this.#timers.silence);
    this.#timers.silence = setTimeout(() => this.#drop(), SILENCE_MAX_MS);
    if (typeof data !== "string") return this.#emit("picture", data);
    const message = JSON.parse(data);
    this.#resume = message.resume_token ?? this.#resume;
    this.#attend(message);
    if (message.seq !== undefined && !this.#isNew(message.seq)) return;
    this.#emit(message.type, message);
    this.#emit("*", message);
  }

  #attend(message) {
    switch (message.type) {
      case "connection_status": return this.#welcomed(message);
      case "subscription.confirmed": return this.#confirmed();
      case "ping": return this.send({ type: "pong" });
      case "lagged": return this.#replay();
      case "recovered": return this.#recovered(message);
      case "system.reconnect": this.#retryAfter = message.retry_after_ms;
    }
  }

  #welcomed(welcome) {
    clearTimeout(this.#timers.open);
    clearTimeout(this.#timers.poll);
    [this.#failures, this.#blocked] = [0, 0];
    if (this.#store !== null && this.#store !== welcome.store_id) this.#forget(welcome.newest_seq);
    this.#store = welcome.store_id;
    this.#since ??= welcome.newest_seq;
    this.#recovering = true;
    this.#ask(welcome.topics);
    this.#tell({ state: "live" });
  }

  // A token brings the topics back by itself; the first connection, or a change while there was none, asks for them.
  #ask(told) {
    const missing = [...this.#topics].filter((topic) => !told.includes(topic));
    const surplus = told.filter((topic) => !this.#topics.has(topic));
    const conditions = Object.entries(this.#conditions).filter(([, wanted]) => wanted !== undefined);
    this.#catchUp = missing.length > 0;
    if (surplus.length > 0) this.send({ type: "unsubscribe", event_types: surplus });
    if (missing.length + conditions.length > 0) {
      this.send({ type: "subscribe", event_types: missing, ...Object.fromEntries(conditions) });
    }
  }

  // What was published between the welcome and the subscription is asked for now: it may come twice, and is passed on once.
  #confirmed() {
    if (this.#catchUp) this.#replay();
    this.#catchUp = false;
  }

  #replay() {
    this.#recovering = true;
    this.send({ type: "resume", since: this.#since });
  }

  #recovered({ recovered, newest_seq }) {
    this.#since = Math.max(this.#since, newest_seq, ...this.#above);
    this.#above.clear();
    this.#recovering = false;
    if (!recovered) this.#emit("gap", { type: "gap" });
  }

  #isNew(seq) {
    if (seq <= this.#since || this.#above.has(seq)) return false;
    if (this.#recovering) this.#above.add(seq);
    else this.#since = seq;
    return true;
  }

  // The numbers so far are of a store that is no more.
  #forget(newest) {
    this.#since = newest;
    this.#above.clear();
    this.#emit("gap", { type: "gap" });
  }

  // Hangs up without waiting for the other side, which may be gone.
  #drop() {
    this.#socket?.close();
    this.#lost();
  }

  async #lost() {
    for (const timer of ["silence", "probe", "open"]) clearTimeout(this.#timers[timer]);
    this.#socket = null;
    const why = this.#state.state === "live" ? "the connection broke" : await this.#whyNot();
    if (this.#socket === null) this.#again(why);
  }

  // Exponential back-off with full jitter, so that many pages do not come back in step.
  #again(why) {
    if (this.#state.state === "stopped" || why === null) return;
    const ceiling = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#failures++);
    const retryMs = this.#retryAfter + Math.random() * ceiling;
    this.#retryAfter = 0;
    if (this.#state.state !== "polling") this.#tell({ state: "waiting", retryMs, why });
    clearTimeout(this.#timers.retry);
    this.#timers.retry = setTimeout(() => this.#connect(), retryMs);
  }

  // A browser does not say why a WebSocket did not open; the REST API does. Null: do not try again.
  async #whyNot() {
    try {
      const answer = await this.fetch("/api/session", { signal: AbortSignal.timeout(OPEN_MS_MAX) });
      if (answer.status === 401) return this.#unauthorized();
      if (answer.ok && ++this.#blocked === BLOCKED_AFTER) this.#poll();
      return answer.ok ? "the stream does not open" : `the device answers ${answer.status}`;
    } catch {
      return "the device does not answer";
    }
  }

  #unauthorized() {
    clearTimeout(this.#timers.poll);
    this.#tell({ state: "unauthorized" });
    return null;
  }

  // Where WebSockets are blocked: what is newer than what is known, every few seconds, until a WebSocket opens.
  async #poll() {
    clearTimeout(this.#timers.poll);
    if (this.#state.state === "live" || this.#state.state === "stopped") return;
    try {
      await this.#pollOnce();
      this.#tell({ state: "polling", why: "the stream does not open, so the device is asked every few seconds" });
    } catch {
      this.#blocked = 0;
      return this.#tell({ state: "waiting", retryMs: RETRY_FIRST_MS, why: "the device does not answer" });
    }
    this.#timers.poll = setTimeout(() => this.#poll(), POLL_MS);
  }

  async #pollOnce() {
    const newer = [];
    let next = "/api/events?limit=50";
    let newest = null;
    for (let page = 0; next !== null && page < POLL_PAGES_MAX; page++) {
      const answer = await this.fetch(next);
      if (!answer.ok) throw new Error(`${answer.status}`);
      const { events, paging } = await answer.json();
      newest ??= paging.newest_seq;
      this.#since ??= newest;
      if (newest < this.#since) this.#forget(newest); // another store than before
      const fresh = events.filter((event) => event.seq > this.#since);
      newer.push(...fresh);
      next = fresh.length > 0 && fresh.length === events.length ? paging.next : null;
    }
    newer.sort((one, other) => one.seq - other.seq);
    for (const data of newer) {
      const message = { type: "event", timestamp: new Date().toISOString(), seq: data.seq, data };
      this.#emit("event", message);
      this.#emit("*", message);
    }
    this.#since = Math.max(this.#since, newest ?? 0, ...newer.map((event) => event.seq));
  }

  #tell(state) {
    if (this.#state.state === state.state && state.state === "polling") return;
    this.#state = state;
    this.#emit("state", state);
  }

  #emit(type, message) {
    for (const handler of this.#handlers.get(type) ?? []) handler(message);
  }
}
