// Notifications of the browser, for who wants them: when an event begins while the page is not looked at.

import { device } from "./device.js";
import { TRIGGER } from "./format.js";
import { timeOfDay } from "./format.js";

const KEY = "lookout.notify";

/** Whether the browser can notify at all: only on the device itself, or over TLS. */
export const canNotify = () => "Notification" in globalThis && isSecureContext;
/** Whether it is wanted here. */
export const notifies = () => canNotify() && Notification.permission === "granted" && localStorage.getItem(KEY) === "on";

/** Turns it on or off; false when the browser's user said no. */
export async function setNotify(on) {
  localStorage.setItem(KEY, on ? "on" : "off");
  return !on || (await Notification.requestPermission()) === "granted";
}

/** Notifies of each event that begins. */
export function announceEvents() {
  device.client.on("event", ({ data }) => {
    if (data.phase !== "start" || document.visibilityState === "visible" || !notifies()) return;
    const where = data.zones.length > 0 ? ` in ${data.zones.join(", ")}` : "";
    const shown = new Notification(`${data.camera_id}: ${TRIGGER[data.trigger]}${where}`, {
      body: timeOfDay(Date.parse(data.timestamp)), icon: "/icon.svg", tag: `event-${data.id}`,
    });
    shown.onclick = () => {
      focus();
      location.hash = `#/events/${data.id}`;
    };
  });
}
