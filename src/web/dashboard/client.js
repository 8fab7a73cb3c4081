// The connection to the device: one WebSocket that comes back by itself and resumes where it left off, and the REST API.

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 30_000;
// The server says something at least every heartbeat (30 s); after two and a half the line is dead.
const SILENCE_MAX_MS = 75_000;

/** Asks the REST API; throws an Error with the problem's own words. */
export async function ask(path, { method = "GET", body, accept = [] } = {}) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const answer = await response.json().catch(() => ({}));
  if (response.ok || accept.includes(response.status)) return answer;
  throw new Error(answer.detail ?? `the device answered ${response.status}`);
}

/**
 * A stream of messages. `on.state("connecting" | "live" | "waiting", seconds)`, `on.message(message)`, and
 * `on.stranger()` when the numbers that were known belong to another store.
 */
export class Client {
  #on;
  #socket = null;
  #since = null;
  #store = null;
  #failures = 0;
  #retryAfter = 0;
  #retry = 0;
  #silence = 0;

  constructor(on) {
    this.#on = on;
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#hurry());
  }

  /** Connects; messages after number `since` will come, those that are durable without a gap. */
  start(since) {
    this.#since = since;
    this.#connect();
  }

  get live() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  #connect() {
    clearTimeout(this.#retry);
    this.#on.state("connecting");
    const address = new URL("/ws/events", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    if (this.#since !== null) address.searchParams.set("since", this.#since);
    const socket = (this.#socket = new WebSocket(address));
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(JSON.parse(data));
    socket.onclose = () => socket === this.#socket && this.#lost();
    this.#listen();
  }

  #receive(message) {
    this.#listen();
    if (message.type === "connection_status") this.#welcomed(message);
    if (message.type === "ping") this.#send({ type: "pong" });
    if (message.type === "lagged") this.#send({ type: "resume", since: this.#since ?? message.oldest_seq });
    if (message.type === "system.reconnect") this.#retryAfter = message.retry_after_ms;
    if (message.seq !== undefined) this.#since = Math.max(this.#since ?? 0, message.seq);
    this.#on.message(message);
  }

  #welcomed(welcome) {
    this.#failures = 0;
    this.#since ??= welcome.newest_seq;
    if (this.#store !== null && this.#store !== welcome.store_id) {
      this.#since = welcome.newest_seq;
      this.#on.stranger();
    }
    this.#store = welcome.store_id;
    this.#on.state("live");
  }

  #send(message) {
    if (this.live) this.#socket.send(JSON.stringify(message));
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#socket.close();
      this.#lost();
    }, SILENCE_MAX_MS);
  }

  // Exponential back-off with full jitter, so that many dashboards do not come back in step.
  #lost() {
    clearTimeout(this.#silence);
    this.#socket = null;
    const ceiling = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#failures++);
    const wait = this.#retryAfter + Math.random() * ceiling;
    this.#retryAfter = 0;
    this.#on.state("waiting", Math.ceil(wait / 1000));
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #hurry() {
    if (this.#socket === null && this.#failures > 0) this.#connect();
  }
}
