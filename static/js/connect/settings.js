// What to do in the app: a code to scan, a link that opens it, and everything by hand with a button that copies it.

import { ApiError, call } from "../net/api.js";
import { codeLine } from "../parts/code_line.js";
import { fill, h, text } from "../parts/dom.js";
import { textField } from "../parts/form.js";
import { say } from "../words/words.js";
import { baseOf, others, troublesOf } from "./address.js";
import { scanned } from "./apps.js";

const KEPT_MS = 60_000; // a file that is being saved

/** @typedef {{addresses: string[], port: number, scheme: string, alone: boolean}} Where */

/**
 * @param {import("./apps.js").App} app
 * @param {{token: string, vehicle: string}} given
 * @param {Where} where
 * @param {(words: string) => void} tell
 */
export function settings(app, given, where, tell) {
  const server = textField(
    say("connect.server"),
    { name: "server", inputMode: "url", spellcheck: "false", value: new URL("./", document.baseURI).href },
    say("connect.server.more"),
  );
  const troubles = h("div", { class: "form", role: "status" });
  const shown = h("div", { class: "connect" });
  const code = new Code();
  const render = () => {
    const base = baseOf(server.input.value);
    const wrong = troublesOf(base, where.alone);
    server.input.toggleAttribute("aria-invalid", wrong.includes("wrong"));
    fill(troubles, ...wrong.map((one) => trouble(one, base)));
    shown.hidden = !base;
    if (base) fill(shown, ...parts({ ...given, base }));
  };
  /** @param {import("./address.js").Trouble} one @param {string} base */
  const trouble = (one, base) => {
    const unsure = one === "plain" && !app.plain && !app.on.includes("server");
    const words = say(unsure ? "connect.server.plain.perhaps" : `connect.server.${one}`, { app: app.name });
    const ways = one === "loopback" ? others(base, where) : [];
    return h(
      "div",
      { class: `notice ${one === "private" ? "" : one === "wrong" ? "bad" : "warn"}` },
      h(
        "div",
        null,
        h("p", null, words),
        h(
          "div",
          { class: "watch-deeds" },
          ways.map((address) =>
            h(
              "button",
              { type: "button", class: "button small", onclick: () => take(address) },
              say("connect.server.take", { address }),
            ),
          ),
        ),
      ),
    );
  };
  /** @param {string} address */
  const take = (address) => {
    server.input.value = address;
    server.input.focus();
    render();
  };
  /** @param {import("./apps.js").Given} all */
  const parts = (all) => [
    h("p", null, say(`connect.how.${/** @type {"curl"} */ (app.key)}`)),
    scan(all),
    h(
      "section",
      { class: "connect-part" },
      h("h3", null, say("connect.by_hand")),
      h(
        "dl",
        { class: "by-hand" },
        app.settings(all).map(([field, value]) => {
          const name = say(`connect.field.${field}`);
          return h(
            "div",
            null,
            h("dt", null, name),
            h("dd", null, codeLine(value, tell, say("connect.copy", { field: name }))),
          );
        }),
      ),
      file(all),
    ),
    !app.on.includes("server") && h("p", { class: "notice" }, say("connect.phone")),
  ];
  /** @param {import("./apps.js").Given} all */
  const scan = (all) => {
    const words = scanned(app, all);
    if (!words) return null;
    code.draw(words);
    return h(
      "section",
      { class: "connect-part connect-scan" },
      code.element,
      h(
        "div",
        null,
        h("p", null, say(app.scan === "app" ? "connect.scan.app" : "connect.scan.camera")),
        app.link && h("a", { class: "button", href: app.link(all) }, say("connect.open", { app: app.name })),
        app.link && h("p", { class: "muted small" }, say("connect.open.more")),
      ),
    );
  };
  /** @param {import("./apps.js").Given} all */
  const file = (all) => {
    const made = app.file?.(all);
    if (!made) return null;
    const save = () => {
      const href = URL.createObjectURL(new Blob([made.text], { type: "text/plain" }));
      h("a", { href, download: made.name }).click();
      setTimeout(() => URL.revokeObjectURL(href), KEPT_MS);
    };
    return h("button", { type: "button", class: "button", onclick: save }, say("connect.file", { name: made.name }));
  };
  server.input.addEventListener("input", render);
  render();
  return h("div", { class: "connect" }, server.element, troubles, shown);
}

/** A code the server draws, the last one that was asked for. What is in it stands in no address. */
class Code {
  constructor() {
    this.image = h("img", { alt: say("connect.code"), width: 300, height: 300 });
    this.fault = h("p", { class: "notice bad", role: "alert", hidden: true });
    this.element = h("div", { class: "code" }, this.image, this.fault);
    this.words = "";
  }

  /** @param {string} words */
  async draw(words) {
    if (words === this.words) return;
    this.words = words;
    try {
      const svg = await call("POST", "connect/qr", { body: { text: words }, plain: true });
      if (words !== this.words) return;
      if (this.image.src) URL.revokeObjectURL(this.image.src);
      this.image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
      this.fault.hidden = true;
    } catch (error) {
      if (words !== this.words) return;
      this.words = ""; // asked for again with the next change
      this.image.removeAttribute("src");
      this.fault.hidden = false;
      text(this.fault, say("connect.code.failed", { why: error instanceof ApiError ? error.message : String(error) }));
    }
  }
}
