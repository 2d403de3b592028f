// The sign-in page: by name and password, or by a link that lets somebody choose a password.

import { ApiError, call, get } from "../net/api.js";
import { preferences } from "../model/preferences.js";
import { SHORTEST, faultOf } from "./passwords.js";
import { secretOf, wayBack } from "./way_back.js";
import { markup } from "../page/markup.js";
import { codeLine } from "../parts/code_line.js";
import { $, fill, h, text } from "../parts/dom.js";
import { passwordField } from "../parts/password.js";
import { setTheme } from "../parts/theme.js";
import { say } from "../words/words.js";

/** Said in the page's own whole sentences. */
const OURS = new Set(["wrong_password", "too_many_tries"]);
const MANY_S = 5; // to wait after too many tries, where the server does not say how long

/** The secret leaves the address bar, and with it the history, before anything else. */
function takeSecret() {
  const secret = secretOf(location.hash);
  if (secret) history.replaceState(null, "", location.pathname + location.search);
  return secret;
}

const back = () => wayBack(new URLSearchParams(location.search).get("next"), document.baseURI);
const announce = (/** @type {string} */ words) => text($("#say"), words);

/** @param {string|null} secret */
async function begin(secret) {
  document.documentElement.dataset.started = "";
  if (secret) return byLink(secret);
  signIn();
  const who = await get("session").catch(() => null);
  if (who?.open) nobodyYet();
  else if (who?.name) already(who.name);
}

/** @param {string} [before] what is said first */
function signIn(before) {
  const name = nameField(say("signin.name"));
  name.input.value = new URLSearchParams(location.search).get("name") ?? "";
  const password = passwordField(say("signin.password"), "current-password");
  form({
    title: say("signin.title"),
    before,
    fields: [name.element, password.element],
    action: say("signin.title"),
    more: say("signin.lost"),
    send: () => ({ name: name.input.value.trim(), password: password.input.value }),
    wrong: (fault) => {
      if (fault.code === "wrong_password") password.input.select();
      password.input.focus();
    },
  });
  (name.input.value ? password : name).input.focus();
}

/** @param {string} secret */
async function byLink(secret) {
  let user;
  try {
    ({ user } = await call("POST", "session/link", { body: { link: secret } }));
  } catch (fault) {
    if (fault instanceof ApiError && fault.status === 404) return signIn(say("signin.over"));
    return told(/** @type {Error} */ (fault).message, { label: say("retry"), run: () => byLink(secret) });
  }
  const first = user === null;
  const name = nameField(say("signin.name"));
  name.input.value = user ?? "";
  name.input.readOnly = !first;
  const password = passwordField(say("signin.new"), "new-password", { minLength: SHORTEST });
  form({
    title: say(first ? "signin.first" : "signin.choose"),
    lead: say(first ? "signin.first.more" : "signin.choose.more"),
    fields: [name.element, password.element],
    action: say(first ? "signin.first.do" : "signin.choose.do"),
    send: () => {
      const fault = faultOf(password.input.value, name.input.value);
      if (fault) throw new Error(say(`problem.${fault}`));
      return {
        link: secret,
        password: password.input.value,
        ...(first ? { name: name.input.value.trim() } : {}),
      };
    },
    wrong: (fault) => {
      if (fault.code === "link_over") return signIn(say("signin.over"));
      password.input.focus();
    },
  });
  (first ? name : password).input.focus();
}

/** @param {string} label */
function nameField(label) {
  const input = h("input", {
    type: "text",
    name: "username",
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: false,
    required: true,
    maxLength: 100,
  });
  return { input, element: h("label", { class: "field" }, h("span", null, label), input) };
}

/**
 * @param {object} how
 * @param {string} how.title
 * @param {string} [how.lead]
 * @param {string} [how.before] a notice
 * @param {string} [how.more] said below
 * @param {(Node|false)[]} how.fields
 * @param {string} how.action
 * @param {() => any} how.send what goes to the server; throws what is wrong already here
 * @param {(fault: any) => void} how.wrong
 */
function form({ title, lead, before, more, fields, action, send, wrong }) {
  const fault = h("p", { class: "notice bad", role: "alert", hidden: !before }, before);
  const button = h("button", { type: "submit", class: "button primary" }, action);
  let busy = false;
  const able = (/** @type {boolean} */ yes) => {
    busy = !yes;
    button.setAttribute("aria-disabled", String(busy)); // it keeps the focus
  };
  const submit = async (/** @type {SubmitEvent} */ e) => {
    e.preventDefault();
    if (busy) return;
    able(false);
    fault.hidden = true;
    text(button, say("signin.doing"));
    try {
      await call("POST", "session", { body: send() });
      await kept();
      location.replace(back());
    } catch (error) {
      able(true);
      text(button, action);
      fault.hidden = false;
      text(fault, inWords(error));
      if (error instanceof ApiError && error.code === "too_many_tries") waiting(error.wait || MANY_S);
      wrong(error);
    }
  };
  /** @param {number} seconds */
  const waiting = (seconds) => {
    able(false);
    const until = performance.now() + seconds * 1000;
    const tick = () => {
      const left = Math.ceil((until - performance.now()) / 1000);
      if (left > 0) {
        text(button, say("signin.wait", { n: left }));
        return void setTimeout(tick, 250);
      }
      able(true);
      text(button, action);
      fault.hidden = true;
      announce(say("signin.again"));
    };
    tick();
  };
  text($("#title"), title);
  document.title = title;
  fill(
    $("#way"),
    h(
      "form",
      { class: "form", onsubmit: submit },
      lead && h("p", { class: "muted" }, lead),
      fault,
      ...fields,
      button,
      more && h("p", { class: "muted small" }, more),
    ),
  );
}

/** A browser that keeps no cookie would come back here for ever. */
async function kept() {
  try {
    await get("session");
  } catch (fault) {
    if (fault instanceof ApiError && fault.status === 401) throw new Error(say("signin.cookies"));
  }
}

/** @param {any} fault */
function inWords(fault) {
  if (!(fault instanceof ApiError)) return fault.message;
  if (OURS.has(fault.code)) return say(/** @type {any} */ (`problem.${fault.code}`));
  return fault.errors[0]?.message ?? fault.message;
}

/** @param {string} words @param {{label: string, run: () => void}} way */
function told(words, { label, run }) {
  fill(
    $("#way"),
    h("p", { class: "notice bad", role: "alert" }, words),
    h("p", null, h("button", { type: "button", class: "button", onclick: run }, label)),
  );
}

function nobodyYet() {
  fill(
    $("#way"),
    h(
      "div",
      { class: "form" },
      h("p", { class: "notice warn" }, say("open.signin")),
      h("p", { class: "muted" }, say("open.do")),
      codeLine("tracker users add NAME --role administrator", announce),
      toMap(say("signin.to_map")),
    ),
  );
}

/** @param {string} name */
function already(name) {
  $("#way").prepend(h("p", { class: "notice good" }, h("span", null, say("signin.already", { name }))));
  $("#way form").append(toMap(say("signin.go_on")));
}

/** @param {string} words */
const toMap = (words) => h("a", { class: "button", href: back() }, words);

const secret = takeSecret();
markup();
setTheme(preferences().value.theme);
addEventListener("hashchange", () => {
  const other = takeSecret();
  if (other) begin(other);
});
begin(secret);
