// Tokens: of devices, of whoever reads the metrics, one's own for scripts. Shown once; then what became of them.

import { call, get } from "../net/api.js";
import { listed } from "./differences.js";
import { confirm } from "../parts/dialog.js";
import { fill, h } from "../parts/dom.js";
import { checks, formDialog, textField } from "../parts/form.js";
import { age, full, lasted } from "../words/format.js";
import { perhaps, problem, say } from "../words/words.js";
import { groupNames } from "./groups.js";
import { Listing, adds, card } from "./listing.js";
import { once } from "./once.js";

/**
 * @typedef {object} Token
 * @property {string} id
 * @property {"device"|"scrape"|"person"} kind
 * @property {string} name
 * @property {string[]} vehicles
 * @property {string[]} groups
 * @property {string[]} shows
 * @property {string} created_at
 * @property {string} created_by
 * @property {string|null} ends_at
 * @property {string|null} used_at
 * @property {string|null} address
 * @property {string|null} error
 * @property {string|null} error_at
 */

/** @typedef {{address: string, asked: string, times: number, at: string}} Away who came without a token */

const OVERLAPS_S = [0, 3600, 86_400, 7 * 86_400];

/** @param {import("./main.js").Desk} desk @param {boolean} own of the one who is signed in, or those of devices */
export function tokens(desk, own) {
  const path = own ? `users/${encodeURIComponent(String(desk.who.name))}/tokens` : "tokens";
  const without = h("div", { class: "notice warn", hidden: true });
  /** @type {Listing<Token>} */
  const list = new Listing({
    path,
    key: "tokens",
    head: [
      h("p", null, say(own ? "own.more" : "tokens.more")),
      !own && h("a", { class: "button", href: "connect" }, say("connect")),
      adds(say("tokens.add"), () => add()),
      without,
    ],
    heard: (answer) => {
      /** @type {Away[]} */ const away = answer.without ?? [];
      without.hidden = away.length === 0;
      fill(
        without,
        h("p", null, say("tokens.without")),
        h("ul", null, ...away.map((one) => h("li", null, asked(one)))),
      );
    },
    empty: () => [h("strong", null, say("tokens.none")), h("span", null, say(own ? "own.none" : "tokens.none.more"))],
    row: (token) =>
      card(token.id, {
        title: token.name || say("tokens.unnamed"),
        subs: [whom(token), used(token), [failed(token), "bad"]],
        tags: [token.ends_at !== null && say("tokens.ends", { time: full(Date.parse(token.ends_at), desk.zone) })],
        open: () => open(token),
      }),
  });

  const add = () =>
    desk.opening(async () => {
      const name = textField(say("tokens.name"), { name: "name", maxLength: 200 }, say("tokens.name.more"));
      const kind = h(
        "select",
        { name: "kind", onchange: () => (sends.hidden = kind.value !== "device") },
        h("option", { value: "device" }, say("tokens.device")),
        h("option", { value: "scrape" }, say("tokens.scrape")),
      );
      const vehicles = textField(
        say("tokens.vehicles"),
        { name: "vehicles", placeholder: "van-*, truck-7" },
        say("tokens.vehicles.more"),
      );
      const known = own ? [] : (await groupNames()).vehicles;
      const people = own ? [] : (await get("groups", { limit: 1000 })).groups;
      const shows = checks(
        say("tokens.shows"),
        people.map((/** @type {{name: string}} */ { name }) => [name, name]),
        [],
        say("tokens.shows.more"),
      );
      const groups = checks(
        say("tokens.groups"),
        known.map((group) => [group, group]),
        [],
      );
      const sends = h(
        "div",
        { class: "form" },
        vehicles.element,
        known.length > 0 && groups.element,
        people.length > 0 && shows.element,
      );
      formDialog(say("tokens.add"), {
        fields: own
          ? [name.element]
          : [name.element, h("label", { class: "field" }, h("span", null, say("tokens.kind")), kind), sends],
        action: say("tokens.add.do"),
        send: async () => {
          const device = !own && kind.value === "device";
          const made = await call("POST", path, {
            body: {
              name: name.input.value.trim(),
              ...(own ? {} : { kind: kind.value }),
              ...(device
                ? { vehicles: listed(vehicles.input.value), groups: groups.value(), shows: shows.value() }
                : {}),
            },
          });
          return () => list.load(made.id).then(() => show(made));
        },
      });
    });

  /** @param {Token} token */
  function open(token) {
    const overlap = h(
      "select",
      null,
      ...OVERLAPS_S.map((s) => h("option", { value: String(s) }, s ? lasted(s * 1000) : say("tokens.at_once"))),
    );
    overlap.value = "86400";
    const facts = /** @type {[string, string][]} */ ([
      [say("tokens.for"), whom(token)],
      [
        say("tokens.made"),
        say("tokens.made.by", { time: full(Date.parse(token.created_at), desk.zone), name: token.created_by || "–" }),
      ],
      [say("tokens.last"), used(token)],
      [say("tokens.error"), failed(token) || "–"],
      ...(token.shows.length ? [[say("tokens.shows"), token.shows.join(", ")]] : []),
    ]);
    formDialog(token.name || say("tokens.unnamed"), {
      fields: [
        h(
          "dl",
          { class: "changes" },
          facts.map(([key, value]) => [h("dt", null, key), h("dd", null, value)]),
        ),
        h(
          "label",
          { class: "field" },
          h("span", null, say("tokens.overlap")),
          overlap,
          h("span", { class: "hint" }, say("tokens.overlap.more")),
        ),
      ],
      action: say("tokens.rotate"),
      send: async () => {
        const made = await call("POST", `tokens/${token.id}/rotate`, { body: { overlap_s: Number(overlap.value) } });
        return () => list.load(made.id).then(() => show(made));
      },
      others: [{ label: say("tokens.revoke"), danger: true, run: () => revoke(token) }],
    });
  }

  /** @param {Token & {token: string}} made */
  function show(made) {
    const url = new URL("api/v1/positions", document.baseURI);
    const line = `curl ${url} -H 'authorization: Bearer ${made.token}' -H 'content-type: application/json' -d '{"vehicle":"${(made.vehicles[0] ?? "van-1").replace("*", "1")}","time":"'$(date -u +%FT%TZ)'","lat":60.17,"lon":24.94}'`;
    once(made.name || say("tokens.unnamed"), made.token, {
      words: say("tokens.once"),
      button: say("tokens.copy"),
      tell: desk.say,
      ...(made.kind === "device" ? { more: line } : {}),
    });
  }

  /** @param {Token} token */
  async function revoke(token) {
    const name = token.name || say("tokens.unnamed");
    if (
      !(await confirm(
        say("tokens.revoke.of", { name }),
        say("tokens.revoke.more"),
        say("tokens.revoke"),
        say("cancel"),
      ))
    )
      return false;
    await call("DELETE", `tokens/${token.id}`);
    return () => list.load("").then(() => desk.done(say("tokens.revoked", { name })));
  }

  return list;
}

/** For whom it is good. @param {Token} token */
function whom(token) {
  if (token.kind === "person") return say("tokens.person");
  if (token.kind === "scrape") return say("tokens.scrape");
  return [...token.vehicles, ...token.groups.map((name) => say("tokens.group", { name }))].join(", ");
}

/** @param {Away} away */
const asked = ({ address, asked, times, at }) =>
  say("tokens.without.one", { address, asked, n: times, age: age(Date.now() - Date.parse(at)) });

/** @param {Token} token */
const used = (token) =>
  token.used_at
    ? say("tokens.used", { age: age(Date.now() - Date.parse(token.used_at)), address: token.address ?? "–" })
    : say("tokens.unused");

/** @param {Token} token */
const failed = (token) =>
  token.error
    ? say("tokens.failed", {
        why: perhaps(`problem.${token.error}`, problem(token.error, token.error)),
        age: age(Date.now() - Date.parse(token.error_at ?? "")),
      })
    : "";
