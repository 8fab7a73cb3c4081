// Logging in: asks for the password, and says what the device says of it.

import { Refused } from "./api.js";
import { ask } from "./api.js";
import { fill } from "./dom.js";
import { h } from "./dom.js";
import { put } from "./dom.js";
import { sentence } from "./dom.js";

/** Shows the form in `place`; resolves once a password was right. */
export function login(place) {
  const password = h("input", { id: "password", type: "password", autocomplete: "current-password", required: true, maxlength: 128, "aria-describedby": "login-note" });
  const note = h("p", { id: "login-note", class: "bad", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary" }, "Log in");
  return new Promise((resolve) => {
    const tried = (event) => {
      event.preventDefault();
      submit.disabled = true;
      put(note, "");
      ask("/api/login", { method: "POST", body: { password: password.value } }).then(resolve, refused);
    };
    const refused = (error) => {
      submit.disabled = false;
      put(note, error instanceof Refused ? sentence(error.message) : "The device does not answer.");
      password.select();
    };
    fill(place, h("h1", { class: "view-title" }, "Log in"), h("section", { class: "card login" },
      h("form", { class: "stack", onsubmit: tried },
        h("input", { type: "text", name: "username", autocomplete: "username", value: "admin", hidden: true, "aria-label": "User" }),
        h("label", { for: "password" }, "Password of this camera"), password, submit, note),
      h("p", { class: "hint" }, "It was chosen when the camera was set up.")));
    password.focus();
  });
}
