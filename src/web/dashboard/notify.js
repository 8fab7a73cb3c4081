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

/** Notifies of each event that begins: of one that was missed, too, as long as it goes on. */
export function announceEvents() {
  let newest = device.feed.ids[0] ?? 0;
  device.client.on("event", ({ data, test }) => {
    const isNew = data.id > newest && !test;
    newest = Math.max(newest, data.id);
    const isOver = data.phase === "end" && device.client.state.state !== "polling"; // who asks now and then hears of short ones at their end
    if (isNew && !isOver && document.visibilityState !== "visible" && notifies()) announce(data);
  });
}

function announce({ id, camera_id, trigger, zones, timestamp }) {
  const where = zones.length > 0 ? ` in ${zones.join(", ")}` : "";
  try {
    const shown = new Notification(`${camera_id}: ${TRIGGER[trigger]}${where}`, { body: timeOfDay(Date.parse(timestamp)), icon: "/icon.svg", tag: `event-${id}` });
    shown.onclick = () => {
      focus();
      location.hash = `#/events/${id}`;
    };
  } catch {
    setNotify(false); // some phones let no page do this
  }
}
