// The update view: what runs is shown, and a bundle that is none is refused in words.

import { after } from "node:test";
import { before } from "node:test";
import { test } from "node:test";
import { open } from "./browser.js";
import { Service } from "./service.js";

let service;

before(async () => (service = await Service.start()));
after(() => service.end());

test("a bundle that is none is refused, and the page says why", async (t) => {
  if (!(await service.has("post", "/api/update"))) return t.skip("this build is not updated over the network");
  await service.end();
  service = await Service.start({ config: '[update]\ninstaller = "rauc"\n' });
  const watched = await open(service, "update");
  watched.expect(/status of 4\d\d|status of 50[0-9]/);
  await watched.page.getByLabel("Bundle").setInputFiles({ name: "other.raucb", mimeType: "application/octet-stream", buffer: Buffer.alloc(200_000, "no bundle ") });
  await watched.page.getByRole("button", { name: "Install" }).click();
  await watched.$(".work .bad", { hasText: /refused/i }).waitFor();
  await watched.accessible("a refused update");
  await watched.shot("update-refused-desktop");
  await watched.close();
});
