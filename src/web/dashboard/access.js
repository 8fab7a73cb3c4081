// Access: who one is, the password, tokens for programs, who else is logged in, whether the line is encrypted.

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
import { select } from "./dom.js";
import { sentence } from "./dom.js";
import { toast } from "./dom.js";
import { dateTime } from "./format.js";
import { day } from "./format.js";

const SCOPES = { read: "look at everything", control: "look, arm, keep and delete", admin: "everything" };
const LIFETIMES = [["", "until it is revoked"], ["86400", "a day"], ["2592000", "30 days"], ["31536000", "a year"]];
const CREDENTIAL = { open: "no password is asked on this connection", session: "logged in", token: "by a token" };

/** The view. */
export function view({ signal }) {
  const { who } = device;
  const cards = [own(who), connection(signal)];
  if (device.may("admin")) cards.push(password(who), tokens(signal), sessions(signal));
  return h("div", { class: "access" }, cards);
}

function own(who) {
  const leave = button("Log out", () => ask("/api/logout", { method: "POST" }).then(() => location.reload(), fail));
  return card("You", { actions: who.credential === "session" ? [leave] : [] },
    facts([["As", who.user ?? "anybody on this device"], ["How", CREDENTIAL[who.credential]], ["May", SCOPES[who.scope] ?? who.scope], ["Device", who.claimed ? "has a password" : "has no password yet"]]));
}

function connection(signal) {
  const isEncrypted = location.protocol === "https:";
  const body = h("div");
  const show = (certificate) => fill(body,
    facts([["Connection", isEncrypted ? "encrypted" : "not encrypted", isEncrypted ? "good" : "warm"], ...(certificate ? dates(certificate) : [])]),
    certificate && h("dl", { class: "lines" },
      h("dt", {}, "Fingerprint, SHA-256"), h("dd", { class: "mono" }, certificate.fingerprint),
      h("dt", {}, "For"), h("dd", {}, certificate.names.join(", ") || "no name")),
    h("p", { class: "hint" }, certificate
      ? "Compare the fingerprint with the one that your browser shows beside the address, and with the one that the device prints when it starts."
      : "Whoever is on the network can read along. With web.tls = \"self_signed\" in the configuration the device makes itself a certificate."));
  device.reach(async () => show((await ask("/api/certificate", { signal })).certificate), signal);
  return card("Certificate", {}, body);
}

function dates({ not_before, not_after }) {
  const [begin, end] = [not_before, not_after].map((at) => at && Date.parse(at));
  const holds = (!begin || begin <= Date.now()) && (!end || end >= Date.now());
  return [["Holds from", begin && day(begin), holds ? "" : "bad"], ["Until", end && day(end), holds ? "" : "bad"]];
}

function password(who) {
  const input = (autocomplete) => h("input", { type: "password", autocomplete, required: true, minlength: 8, maxlength: 128 });
  const [current, wanted, again] = [input("current-password"), input("new-password"), input("new-password")];
  const note = h("p", { class: "bad", role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    put(note, wanted.value === again.value ? "" : "The two new passwords are not the same.");
    if (wanted.value !== again.value) return again.focus();
    try {
      await ask("/api/password", { method: "PUT", body: { new: wanted.value, ...(who.claimed ? { current: current.value } : {}) } });
      event.target.reset();
      toast("The password is changed. Other sessions have ended.");
    } catch (error) {
      put(note, sentence(error.message));
    }
  };
  return card("Password", {}, h("form", { class: "stack", onsubmit: submit },
    h("input", { type: "text", autocomplete: "username", value: "admin", hidden: true, "aria-label": "User" }),
    who.claimed && field("Current password", current), field("New password", wanted, "8 characters or more"), field("Again", again), note,
    h("div", { class: "actions end" }, h("button", { type: "submit", class: "primary" }, who.claimed ? "Change" : "Set"))));
}

function tokens(signal) {
  const list = h("ul", { class: "entries" });
  const made = h("div", { role: "status" });
  const load = async () => {
    const answer = await askIfThere("/api/tokens", { signal });
    fill(list, answer?.tokens.length ? answer.tokens.map((token) => entry(`${token.name} · ${token.scope}`, token, "Revoke", `/api/tokens/${token.id}`, load)) : h("li", { class: "quiet" }, "There are no tokens."));
  };
  const name = h("input", { required: true, maxlength: 32 });
  const scope = select(Object.entries(SCOPES), "read");
  const lifetime = select(LIFETIMES, "");
  const submit = async (event) => {
    event.preventDefault();
    try {
      const body = { name: name.value, scope: scope.value, ...(lifetime.value ? { lifetime_s: Number(lifetime.value) } : {}) };
      fill(made, shownOnce(await ask("/api/tokens", { method: "POST", body })));
      event.target.reset();
      await load();
    } catch (error) {
      fail(error);
    }
  };
  device.reach(load, signal);
  return card("Tokens for programs", { id: "tokens" }, list, h("form", { class: "stack", onsubmit: submit },
    field("Name", name), field("May", scope), field("Holds", lifetime),
    h("div", { class: "actions end" }, h("button", { type: "submit" }, "Make a token"))), made);
}

function shownOnce({ token, name }) {
  const text = h("input", { readonly: true, value: token, "aria-label": `Token ${name}`, class: "mono", onfocus: () => text.select() });
  const copy = button("Copy", () => navigator.clipboard?.writeText(token).then(() => toast("The token is copied."), () => text.select()) ?? text.select());
  return h("div", { class: "once" }, h("p", {}, `The token ${name}, shown this once:`), h("div", { class: "actions" }, text, copy));
}

function sessions(signal) {
  const list = h("ul", { class: "entries" });
  const load = async () => {
    const answer = await askIfThere("/api/sessions", { signal });
    fill(list, answer?.sessions.length ? answer.sessions.map((session) => entry(session.id === answer.own ? "This browser" : `Session ${session.id.slice(0, 8)}`, session, "End", `/api/sessions/${session.id}`, load)) : h("li", { class: "quiet" }, "Nobody is logged in."));
  };
  device.reach(load, signal);
  return card("Sessions", {}, list);
}

function entry(title, { created, last_used, expires }, action, path, load) {
  const at = (time) => dateTime(Date.parse(time));
  const words = [created && `made ${at(created)}`, last_used && `used ${at(last_used)}`, expires ? `until ${at(expires)}` : null].filter(Boolean);
  const end = button(action, async () => {
    if (!(await confirmed(`${action} “${title}”?`, action))) return;
    ask(path, { method: "DELETE" }).then(load, fail);
  }, { "aria-label": `${action} ${title}` });
  return h("li", {}, h("div", {}, h("b", {}, title), h("p", { class: "quiet" }, words.join(" · "))), end);
}
