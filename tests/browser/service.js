// The real binary, started on a free port with a data folder of its own; stopped, killed and started again on the same.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { rmSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = process.env.LOOKOUT_BINARY;
/** Longest time that a test waits for anything, in milliseconds. */
export const PATIENCE = 30_000;
/** A scene in which somebody walks by soon and often. */
export const BUSY = "scene:seed=7,visits=2..5..3";
/** A scene in which nobody comes. */
export const EMPTY = "scene:seed=7,visits=off,pir=off";

/** A running service. */
export class Service {
  #child = null;
  #dir = mkdtempSync(join(tmpdir(), "lookout-browser-"));
  #source;
  #port;
  #scheme = "http";

  /** Starts one that looks at `source`, with this `config` in TOML. */
  static async start({ source = BUSY, config = "" } = {}) {
    const service = new Service();
    service.#source = source;
    service.#port = await freePort();
    writeFileSync(join(service.#dir, "lookout.toml"), config);
    await service.again();
    return service;
  }

  /** Starts one that asks for this password. */
  static async claimed(password, { web = "", ...more } = {}) {
    const secret = join(mkdtempSync(join(tmpdir(), "lookout-secret-")), "password");
    writeFileSync(secret, `${password}\n`);
    return Service.start({ ...more, config: `[web]\nauth = "password"\nclaim_password_file = "${secret}"\n${web}` });
  }

  /** Starts one that speaks TLS with a certificate of its own making. */
  static async encrypted() {
    const service = new Service();
    service.#source = EMPTY;
    service.#port = await freePort();
    service.#scheme = "https";
    writeFileSync(join(service.#dir, "lookout.toml"), '[web]\ntls = "self_signed"\n');
    await service.again();
    return service;
  }

  get url() {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  /** Starts it on the same port and folder. */
  async again(source = this.#source) {
    const options = ["--listen", `127.0.0.1:${this.#port}`, "--source", source, "--log", "warn"];
    const files = ["--config", join(this.#dir, "lookout.toml"), "--data-dir", join(this.#dir, "data")];
    this.#child = spawn(BINARY, ["run", ...options, ...files], { stdio: ["ignore", "ignore", "inherit"] });
    await until("the service to answer", () => this.#answers("/api/health/live"));
  }

  /** Pulls the plug. */
  async kill() {
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }

  /** Ends it and removes its data. */
  async end() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** What the API answers, as JSON. */
  async get(path) {
    return (await this.#answers(path)).body;
  }

  /** The certificate that it shows, as Node.js sees it. */
  async certificate() {
    return (await this.#answers("/api/health/live")).certificate;
  }

  // By hand where the certificate is one that nobody vouches for.
  async #answers(path) {
    if (this.#scheme === "http") return { body: await (await fetch(this.url + path)).json() };
    const asked = request(this.url + path, { rejectUnauthorized: false, agent: false }).end();
    const [answer] = await once(asked, "response");
    const certificate = answer.socket.getPeerCertificate();
    const pieces = await answer.toArray();
    return { body: JSON.parse(Buffer.concat(pieces)), certificate };
  }

  /** Every event that there is, newest first. */
  async events() {
    return (await this.get("/api/events?limit=100")).events;
  }

  /** Waits for an event that `fits`. */
  event(fits = () => true) {
    return until("an event", async () => (await this.events()).find(fits));
  }

  /** Whether this build has the operation: parts of the page wait for theirs. */
  async has(method, path) {
    const { paths } = await this.get("/api/openapi.json");
    return paths[path]?.[method] !== undefined;
  }
}

/** Polls `look` until it gives something true; fails naming `what` when it does not in time. */
export async function until(what, look, patience = PATIENCE) {
  const end = performance.now() + patience;
  let fault;
  while (performance.now() < end) {
    const found = await Promise.resolve().then(look).catch((error) => void (fault = error));
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`waited in vain for ${what}`, { cause: fault });
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** The same service behind a proxy that cuts off every WebSocket: `refused` of them so far. */
export async function withoutWebSockets(service) {
  const sockets = new Set();
  const proxy = createServer((client) => {
    const device = connect(Number(new URL(service.url).port), "127.0.0.1");
    for (const socket of [client, device]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => (sockets.delete(socket), client.destroy(), device.destroy()));
    }
    client.on("data", (bytes) => {
      if (!/^upgrade: *websocket/im.test(bytes.toString("latin1"))) return device.write(bytes);
      behind.refused += 1;
      client.destroy();
    });
    device.pipe(client);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const end = () => (proxy.close(), sockets.forEach((socket) => socket.destroy()));
  const behind = { url: `http://127.0.0.1:${proxy.address().port}`, refused: 0, end, has: (...asked) => service.has(...asked) };
  return behind;
}
