// Who is let in: a wrong password is refused in words, the right one opens, a session that ended leads back to the password.

import assert from "node:assert/strict";
import { after } from "node:test";
import { before } from "node:test";
import { test } from "node:test";
import { DESKTOP } from "./browser.js";
import { open } from "./browser.js";
import { Service } from "./service.js";
import { until } from "./service.js";

const PASSWORD = "correct horse battery staple";
const REFUSED = /status of 40[13]|WebSocket connection to/;
let service;

before(async () => (service = await Service.claimed(PASSWORD)));
after(() => service.end());

async function logIn(watched, password) {
  await watched.page.getByLabel("Password of this camera").fill(password);
  await watched.page.getByRole("button", { name: "Log in" }).click();
}

test("login: nothing without it, a wrong password is refused, the right one lets in, an ended session leads back", async () => {
  const watched = await open(service);
  watched.expect(REFUSED);
  await watched.page.getByLabel("Password of this camera").waitFor();
  assert.equal(await watched.$("#nav").isVisible(), false);
  await watched.accessible("login");
  await watched.shot("login-desktop");
  await logIn(watched, "incorrect horse");
  await watched.page.getByRole("alert").filter({ hasText: /password is not right/ }).waitFor();
  await logIn(watched, PASSWORD);
  await watched.state("live");
  await watched.go("access");
  await watched.page.getByText("This browser").waitFor();
  await watched.accessible("access");
  await watched.shot("access-claimed-desktop");

  const [cookie] = await watched.page.context().cookies();
  const { own } = await (await fetch(`${service.url}/api/sessions`, { headers: { Cookie: `${cookie.name}=${cookie.value}` } })).json();
  const headers = { Cookie: `${cookie.name}=${cookie.value}`, Origin: service.url };
  assert.equal((await fetch(`${service.url}/api/sessions/${own}`, { method: "DELETE", headers })).status, 204);
  await watched.page.getByLabel("Password of this camera").waitFor();
  await logIn(watched, PASSWORD);
  await watched.state("live");
  await watched.close();
});

test("a token is made, shown once, used and revoked", async () => {
  const watched = await open(service, "access");
  watched.expect(REFUSED);
  await logIn(watched, PASSWORD);
  await watched.page.getByLabel("Name").fill("shelf");
  await watched.page.getByRole("button", { name: "Make a token" }).click();
  const token = await watched.page.getByLabel("Token shelf").inputValue();
  const ask = async () => (await fetch(`${service.url}/api/events`, { headers: { Authorization: `Bearer ${token}` } })).status;
  assert.equal(await ask(), 200);
  await watched.page.getByRole("button", { name: "Revoke shelf" }).click();
  await watched.page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await until("it to be of no use", async () => (await ask()) === 401);
  await watched.close();
});

test("the password is changed, and other browsers have to know it", async () => {
  const [one, other] = [await open(service, "access"), await open(service, "events")];
  for (const watched of [one, other]) {
    watched.expect(REFUSED);
    await logIn(watched, PASSWORD);
    await watched.state("live");
  }
  const change = async (current, wanted, again = wanted) => {
    await one.page.getByLabel("Current password").fill(current);
    await one.page.getByLabel("New password").fill(wanted);
    await one.page.getByLabel("Again").fill(again);
    await one.page.getByRole("button", { name: "Change" }).click();
  };
  await change(PASSWORD, "battery staple", "battery stable");
  await one.page.getByText("not the same").waitFor();
  await change("wrong horse", "battery staple");
  await one.page.getByRole("alert").filter({ hasText: /password is not right/ }).waitFor();
  await change(PASSWORD, "battery staple");
  await one.page.getByText("The password is changed").waitFor();
  await other.page.getByLabel("Password of this camera").waitFor();
  await logIn(other, "battery staple");
  await other.state("live");
  await other.close();
  await one.close();
});

test("the certificate is shown as the browser has it, for comparing", async () => {
  const encrypted = await Service.encrypted();
  try {
    const { fingerprint256, subjectaltname } = await encrypted.certificate();
    const watched = await open(encrypted, "access", { ...DESKTOP, ignoreHTTPSErrors: true });
    await watched.page.getByText(fingerprint256).waitFor();
    const names = await watched.$("dl.lines dd").last().textContent();
    assert.equal(names.split(", ").length, subjectaltname.split(", ").length);
    assert.match(names, /localhost/);
    await watched.page.getByText("encrypted", { exact: true }).waitFor();
    await watched.accessible("a certificate");
    await watched.shot("access-encrypted-desktop");
    await watched.close();
  } finally {
    await encrypted.end();
  }
});
