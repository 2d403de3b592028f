// Users: who may come in, as what, and the link by which they choose a password.

import { call, get } from "../net/api.js";
import { confirm } from "../parts/dialog.js";
import { h } from "../parts/dom.js";
import { checks, formDialog, textField } from "../parts/form.js";
import { full } from "../words/format.js";
import { perhaps, say } from "../words/words.js";
import { Listing, adds, card } from "./listing.js";
import { once } from "./once.js";

/** @typedef {{name: string, role: string, groups: string[], disabled: boolean, has_password: boolean}} User */

const ROLES = /** @type {const} */ (["administrator", "dispatcher", "viewer", "driver"]);
/** @param {string} name */
const at = (name) => `users/${encodeURIComponent(name)}`;

/** @param {import("./main.js").Desk} desk */
export function users(desk) {
  /** @type {Listing<User>} */
  const list = new Listing({
    path: "users",
    key: "users",
    head: [h("p", null, say("users.more")), adds(say("users.add"), () => add())],
    empty: () => [h("strong", null, say("users.none"))],
    row: (user) =>
      card(user.name, {
        title: user.name,
        subs: [[perhaps(`role.${user.role}`, user.role), ...user.groups].join(" · ")],
        tags: [
          user.disabled && say("users.disabled"),
          !user.has_password && !user.disabled && say("users.no_password"),
        ],
        open: () => change(user),
      }),
  });

  /** @param {User} [user] */
  async function fields(user) {
    const { groups } = await get("groups", { limit: 1000 });
    const role = h("select", { name: "role" }, ...ROLES.map((one) => h("option", { value: one }, say(`role.${one}`))));
    role.value = user?.role ?? "dispatcher";
    const hint = h("span", { class: "hint" });
    const explain = () => hint.replaceChildren(say(`role.${/** @type {typeof ROLES[number]} */ (role.value)}.more`));
    role.addEventListener("change", explain);
    explain();
    const names = groups.map(
      (/** @type {{name: string}} */ { name }) => /** @type {[string, string]} */ ([name, name]),
    );
    const chosen = checks(
      say("users.groups"),
      names,
      user?.groups ?? [],
      say(names.length ? "users.groups.more" : "users.groups.none"),
    );
    const element = h("label", { class: "field" }, h("span", null, say("users.role")), role, hint);
    return { elements: [element, chosen.element], value: () => ({ role: role.value, groups: chosen.value() }) };
  }

  const add = () =>
    desk.opening(async () => {
      const name = textField(say("users.name"), {
        name: "name",
        required: true,
        maxLength: 100,
        autocapitalize: "none",
      });
      const rest = await fields();
      formDialog(say("users.add"), {
        fields: [name.element, ...rest.elements, h("p", { class: "muted small" }, say("users.then_link"))],
        action: say("users.add.do"),
        send: async () => {
          const added = name.input.value.trim();
          await call("POST", "users", { body: { name: added, ...rest.value() } });
          return link(added);
        },
      });
    });

  const change = (/** @type {User} */ user) =>
    desk.opening(async () => {
      const rest = await fields(user);
      const closed = h("input", { type: "checkbox", name: "disabled", checked: user.disabled });
      formDialog(user.name, {
        fields: [
          ...rest.elements,
          h("label", { class: "check" }, closed, say("users.disable")),
          user.disabled && h("p", { class: "muted small" }, say("users.disabled.more")),
        ],
        action: say("save"),
        send: async () => {
          await call("PATCH", at(user.name), { body: { ...rest.value(), disabled: closed.checked } });
          return () => list.load(user.name).then(() => desk.done(say("users.saved", { name: user.name })));
        },
        others: [
          ...(user.disabled ? [] : [{ label: say("users.link"), run: () => link(user.name) }]),
          { label: say("users.remove"), danger: true, run: () => remove(user.name) },
        ],
      });
    });

  /** @param {string} name */
  async function link(name) {
    const { link: secret, until } = await call("POST", `${at(name)}/link`);
    return async () => {
      await list.load(name);
      once(say("users.link.of", { name }), new URL(`signin#${secret}`, document.baseURI).href, {
        words: say("users.link.words", { name, until: full(Date.parse(until), desk.zone) }),
        button: say("users.link.copy"),
        tell: desk.say,
      });
    };
  }

  /** @param {string} name */
  async function remove(name) {
    if (
      !(await confirm(say("users.remove.of", { name }), say("users.remove.more"), say("users.remove"), say("cancel")))
    )
      return false;
    await call("DELETE", at(name));
    return () => list.load("").then(() => desk.done(say("users.removed", { name })));
  }

  return list;
}
