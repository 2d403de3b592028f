// Building elements without markup strings: nothing a vehicle or region is called can become HTML, and the page needs
// no inline style or script (its Content-Security-Policy forbids them).

/** @typedef {Node|string|number|null|undefined|false|Child[]} Child */

/**
 * An element with properties, listeners (`onclick`), `class`, `data`, `aria-…` and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>|null} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (key === "data") Object.assign(node.dataset, value);
    else if (key in node && typeof value !== "string") /** @type {any} */ (node)[key] = value;
    else if (key === "value") /** @type {any} */ (node).value = value;
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

/** @param {Node} node @param {Child[]} children */
export function append(node, children) {
  for (const child of children) {
    if (child == null || child === false) continue;
    if (Array.isArray(child)) append(node, child);
    else node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replace what an element holds. @param {Element} node @param {...Child} children */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

/**
 * Give an element these children, touching only what differs: a kept one is not moved, so a click on it or the focus in
 * it is not lost.
 * @param {Element} node
 * @param {Element[]} children
 */
export function arrange(node, children) {
  const wanted = new Set(children);
  for (const child of [...node.children]) if (!wanted.has(child)) child.remove();
  for (const [i, child] of children.entries())
    if (node.children[i] !== child) node.insertBefore(child, node.children[i] ?? null);
}

/**
 * Fill an element only when its mark changed.
 * @param {HTMLElement} node
 * @param {string} mark
 * @param {...Child} children
 */
export function refill(node, mark, ...children) {
  if (node.dataset.mark === mark) return;
  node.dataset.mark = mark;
  fill(node, ...children);
}

/** Set text only when it changed: a layout saved 30 rows a second. @param {Element} node @param {string} text */
export function text(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @template {Element} [T=HTMLElement] @param {string} selector @returns {T} */
export const $ = (selector) => /** @type {T} */ (/** @type {unknown} */ (document.querySelector(selector)));

const SVG = "http://www.w3.org/2000/svg";
/** One stroke set on a 16 px grid. */
const ICONS = {
  search: "M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10Zm3.6-1.4L14 14",
  bell: "M4 11V7a4 4 0 0 1 8 0v4l1.2 1.5H2.8L4 11Zm2.6 3h2.8",
  folder: "M1.5 13V3.5h4.5l1.5 2h7V13h-13Z",
  mute: "M4 11V7a4 4 0 0 1 6.5-3.1M12 7v4l1.2 1.5H5M6.6 14h2.8M2 2l12 12",
  antenna:
    "M8 8.5V14M5.2 5.2a4 4 0 0 0 0 5.6M10.8 5.2a4 4 0 0 1 0 5.6M3 3a7 7 0 0 0 0 10M13 3a7 7 0 0 1 0 10M8 7a1 1 0 1 0 0 2 1 1 0 0 0 0-2",
  close: "M4 4l8 8M12 4l-8 8",
  target: "M8 12.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM8 1v3M8 12v3M1 8h3M12 8h3",
  edit: "M10.5 3.5l2 2L5.5 12.5 3 13l.5-2.5 7-7Z",
  trash: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.5 8.5h6l.5-8.5M7 7v3.5M9 7v3.5",
  check: "M3 8.5l3.2 3L13 5",
  undo: "M6 3L3 6l3 3M3 6h6a4 4 0 0 1 0 8H7",
  redo: "M10 3l3 3-3 3M13 6H7a4 4 0 0 0 0 8h2",
  polygon: "M8 2l6 4.5-2.3 7H4.3L2 6.5 8 2Z",
  rectangle: "M2.5 4h11v8h-11z",
  circle: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Z",
  corridor: "M2 12c3-1 3-7 6-7s3 5 6 3",
  chevron: "M6 4l4 4-4 4",
  back: "M10 4L6 8l4 4",
  left: "M3 3v10M12.5 3.5L6 8l6.5 4.5Z",
  right: "M13 3v10M3.5 3.5L10 8l-6.5 4.5Z",
  down: "M4 6l4 4 4-4",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  pause: "M5.5 3v10M10.5 3v10",
  play: "M5 3l8 5-8 5V3Z",
  gear: "M2.5 4.5h6M12 4.5h1.5M2.5 11.5H4M7.5 11.5h6M10.2 6.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4ZM5.8 13.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4Z",
  keyboard: "M1.5 4h13v8.5h-13zM4 7h.01M6.7 7h.01M9.3 7h.01M12 7h.01M5 10h6",
  copy: "M6 6h7v7H6zM4 10H3V3h7v1",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.5V11M8 5h.01",
  warn: "M8 2.5L14.5 13h-13L8 2.5ZM8 6.5v3M8 11.3h.01",
  pin: "M8 14s4.5-4.2 4.5-7.5a4.5 4.5 0 0 0-9 0C3.5 9.8 8 14 8 14ZM8 8a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Z",
  enter: "M2 8h7M6 5l3 3-3 3M10 2.5h3.5v11H10",
  exit: "M6 8h7.5M10.5 5l3 3-3 3M6 2.5H2.5v11H6",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.8V8l2.2 1.6",
  history: "M2.5 8a5.5 5.5 0 1 0 1.8-4M2.5 2.5v3h3M8 5v3l2 1.5",
  speed: "M2.5 12a6.5 6.5 0 1 1 11 0M8 10l3-4",
  cross: "M2 8h12M11 5l3 3-3 3M6 3v10",
  silence: "M2 8h2l1.5-4L8 12l1.5-4M11 6l3 4M14 6l-3 4",
  signal: "M2 8h2.5L6 4l3 8 2-4h3",
  battery: "M1.5 5.5h11v5h-11zM14.5 7v2M3.5 7.2v1.6",
  list: "M5.5 4H14M5.5 8H14M5.5 12H14M2.5 4h.01M2.5 8h.01M2.5 12h.01",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  sound: "M2.5 6v4h2.5L8.5 13V3L5 6H2.5ZM11 5.8a3 3 0 0 1 0 4.4M12.8 4a5.6 5.6 0 0 1 0 8",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  up: "M4 10l4-4 4 4",
  person: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.5 14c.6-3 2.8-4.5 5.5-4.5s4.9 1.5 5.5 4.5",
  report: "M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3M6 11.5v-2M8 11.5v-4M10 11.5v-3",
  theme: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 2v12M8 5l4.8-.6M8 8h6M8 11l4.8.6",
  move: "M8 1.5v13M1.5 8h13M6 3.5l2-2 2 2M6 12.5l2 2 2-2M3.5 6l-2 2 2 2M12.5 6l2 2-2 2",
};
/** @typedef {keyof typeof ICONS} IconName */

/** @param {IconName} name @param {number} [size] */
export function icon(name, size = 16) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 16 16",
    width: size,
    height: size,
    "aria-hidden": "true",
    class: "icon",
  }))
    svg.setAttribute(key, String(value));
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.appendChild(path);
  return svg;
}

/**
 * A button that shows an icon and is called something.
 * @param {IconName} name
 * @param {string} label
 * @param {(e: MouseEvent) => void} [onclick]
 * @param {Record<string, any>} [props]
 */
export function iconButton(name, label, onclick, props = {}) {
  return h(
    "button",
    {
      type: "button",
      class: "icon-button",
      "aria-label": label,
      title: label,
      ...(onclick ? { onclick } : {}),
      ...props,
    },
    icon(name),
  );
}

/**
 * Put text on the clipboard; false: it could not be. Browsers keep their clipboard from pages that came over plain HTTP
 * from another machine, where only the old way works.
 * @param {string} words
 */
export async function copyText(words) {
  if (navigator.clipboard)
    return navigator.clipboard.writeText(words).then(
      () => true,
      () => false,
    );
  const before = /** @type {HTMLElement|null} */ (document.activeElement);
  const area = h("textarea", { class: "visually-hidden", value: words, readOnly: true });
  document.body.appendChild(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}
