// Logging in: asks for the password when the device wants one, and goes on when it is right.

import { ask } from "./client.js";

const view = document.getElementById("login");
const form = document.getElementById("login-form");
const password = document.getElementById("password");
const note = document.getElementById("login-note");

let entering = null;

/** Resolves once the device lets us in; asked again meanwhile, it is the same wait. */
export function admitted() {
  entering ??= enter().finally(() => (entering = null));
  return entering;
}

async function enter() {
  while (!(await isIn())) await loggedIn();
  view.hidden = true;
  document.getElementById("logout").hidden = (await ask("/api/session")).credential !== "session";
}

/** Ends the session and begins anew. */
export async function logOut() {
  await ask("/api/logout", { method: "POST" });
  location.reload();
}

async function isIn() {
  const { status } = await ask("/api/session", { accept: [401] });
  return status !== 401;
}

/** Shows the form until a password was right. */
function loggedIn() {
  view.hidden = false;
  password.focus();
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      logIn().then(resolve, refused);
    };
  });
}

async function logIn() {
  note.textContent = "";
  await ask("/api/login", { method: "POST", body: { password: password.value } });
  password.value = "";
}

function refused(error) {
  note.textContent = error instanceof TypeError ? "The device does not answer." : `${error.message}.`;
  password.select();
}
