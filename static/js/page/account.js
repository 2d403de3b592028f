// Who is signed in: who one is, where else one is signed in, one's password, and the way out.

import { ApiError, call, get } from "../net/api.js";
import { browserOf } from "../people/agents.js";
import { faultOf } from "../people/passwords.js";
import { dialog } from "../parts/dialog.js";
import { fill, h, iconButton, text } from "../parts/dom.js";
import { passwordField } from "../parts/password.js";
import { age } from "../words/format.js";
import { perhaps, say } from "../words/words.js";
import { signOut } from "../people/way_in.js";

/** @typedef {import("../net/who.js").Who} Who */

/** The button that shows it. @param {() => Who} who as they are by then @param {(words: string) => void} tell */
export const account = (who, tell) =>
  iconButton("person", say("account.of", { name: String(who().name) }), () => show(who(), tell), { id: "account" });

/** @param {Who} who @param {(words: string) => void} tell */
function show(who, tell) {
  const sessions = h("div", { class: "form" }, h("p", { class: "muted" }, say("loading")));
  const fault = h("p", { class: "notice bad", role: "alert", hidden: true });
  const attempt = async (/** @type {() => Promise<any>} */ work) => {
    fault.hidden = true;
    try {
      await work();
    } catch (error) {
      fault.hidden = false;
      text(fault, /** @type {Error} */ (error).message);
    }
  };
  const out = (/** @type {Record<string, string>} */ query) =>
    attempt(() => signOut(() => call("DELETE", "session", { query })));
  const list = () =>
    attempt(async () => {
      const { sessions: found = [] } = await get("session");
      fill(sessions, h("h3", null, say("account.sessions")), h("ul", { class: "cards sessions" }, found.map(row)));
    });
  const row = (/** @type {import("../net/who.js").Session} */ one) =>
    h(
      "li",
      { class: "card" },
      h("b", null, browserOf(one.agent) || say("account.unknown")),
      h(
        "span",
        { class: "sub" },
        say("account.seen", { address: one.address, age: age(Date.now() - Date.parse(one.seen_at)) }),
      ),
      h(
        "span",
        { class: "end" },
        one.current
          ? h("span", { class: "tag" }, say("account.this"))
          : iconButton("exit", say("account.end", { name: browserOf(one.agent) || one.address }), () =>
              attempt(async () => {
                await call("DELETE", "session", { query: { id: one.id } });
                tell(say("account.ended"));
                await list();
              }),
            ),
      ),
    );
  const admin = who.may.includes("administer");
  dialog(
    String(who.name),
    h("p", { class: "muted" }, [perhaps(`role.${who.role}`, String(who.role)), ...who.groups].join(" · ")),
    fault,
    h(
      "div",
      { class: "account-ways" },
      h("button", { type: "button", class: "button primary", onclick: () => out({}) }, say("account.out")),
      h(
        "button",
        { type: "button", class: "button", onclick: () => out({ everywhere: "true" }) },
        say("account.out.all"),
      ),
      h("a", { class: "button", href: `people${admin ? "" : "#own"}` }, say(admin ? "people.title" : "people.own")),
    ),
    sessions,
    h("details", null, h("summary", null, say("account.password")), changePassword(String(who.name), tell)),
  );
  list();
}

/** @param {string} name @param {(words: string) => void} tell */
function changePassword(name, tell) {
  const before = passwordField(say("account.current"), "current-password");
  const after = passwordField(say("signin.new"), "new-password");
  const told = h("p", { role: "alert", hidden: true });
  const answer = (/** @type {string} */ words, /** @type {"good"|"bad"} */ how) => {
    told.className = `notice ${how}`;
    told.hidden = false;
    text(told, words);
  };
  const form = h(
    "form",
    {
      class: "form",
      onsubmit: async (/** @type {SubmitEvent} */ e) => {
        e.preventDefault();
        const weak = faultOf(after.input.value, name);
        if (weak) {
          after.input.focus();
          return answer(say(`problem.${weak}`), "bad");
        }
        try {
          const body = { password: after.input.value, current_password: before.input.value };
          await call("PATCH", `users/${encodeURIComponent(name)}`, { body });
          form.reset();
          answer(say("account.password.done"), "good");
          tell(say("account.password.done"));
        } catch (error) {
          const refused = error instanceof ApiError ? error : null;
          const wrong = refused?.code === "wrong_password";
          const why = refused?.errors[0]?.message ?? /** @type {Error} */ (error).message;
          answer(wrong ? say("account.wrong") : why, "bad");
          (wrong ? before : after).input.focus();
        }
      },
    },
    h("input", { type: "text", autocomplete: "username", value: name, hidden: true, readOnly: true }),
    before.element,
    after.element,
    told,
    h("div", { class: "form-actions" }, h("button", { type: "submit", class: "button" }, say("account.password"))),
  );
  return form;
}
