// Wi-Fi on the page: what the device says of its network, and a wish for another one. Who looks after the network is played here.

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { before } from "node:test";
import { test } from "node:test";
import { open } from "./browser.js";
import { Service } from "./service.js";
import { until } from "./service.js";

const REPORT = {
  state: "access_point", access_point: "lookout-porch", ssid: null, address: null,
  networks: [{ ssid: "home", signal_dbm: -40, secured: true }],
  failed: { ssid: "garden", reason: "refused", message: "the network did not let the device in" },
};
const socket = join(mkdtempSync(join(tmpdir(), "lookout-network-")), "socket");
const said = [];
let keeper, service;

before(async () => {
  keeper = createServer((client) => {
    client.write(`${JSON.stringify(REPORT)}\n`);
    client.on("data", (line) => said.push(JSON.parse(line)));
    client.on("error", () => {});
  }).listen(socket);
  service = await Service.start({ config: `[network]\nsocket = "${socket}"\n` });
});
after(async () => {
  await service.end();
  keeper.close();
});

test("a network is asked for, and it is said what is to be done next", async () => {
  const watched = await open(service, "now");
  await watched.state("live");
  await watched.go("system");
  await watched.page.getByText("garden: The network did not let the device in.").waitFor();
  await watched.accessible("Wi-Fi");
  await watched.page.getByLabel("Network").fill("home");
  await watched.page.getByLabel("Passphrase").fill("four words of home");
  await watched.page.getByLabel("Country").fill("de");
  await watched.page.getByRole("button", { name: "Join" }).click();
  await watched.page.getByText("open lookout-porch.local there").waitFor();
  await until("the wish", async () => said.length > 0);
  assert.deepEqual(said, [{ join: { ssid: "home", passphrase: "four words of home", country: "DE" } }]);
  await watched.close();
});
