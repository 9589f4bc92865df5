// Elements. Everything from the server goes through text nodes; nothing here reads HTML.

/** An element of "tag.class.class", with properties and children (texts, elements, null). */
export function h(spec, properties = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) property(element, key, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function property(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
  else if (key in element && !key.includes("-")) element[key] = value;
  else element.setAttribute(key, value);
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Give an element this text, if it has another one. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Give an element this attribute, or none for null, if it differs. */
export function setAttribute(element, name, value) {
  if (value === null || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value);
  }
}

/**
 * The children of `parent`, one for each item, in their order; kept as long as their item is.
 *
 * `create(item)` returns {element, update(item)}.
 */
export class Rows {
  constructor(parent, keyOf, create) {
    Object.assign(this, { parent, keyOf, create, rows: new Map() });
  }

  update(items) {
    const rows = new Map();
    for (const item of items) {
      const key = this.keyOf(item);
      if (!rows.has(key)) rows.set(key, this.rows.get(key) ?? this.create(item));
      rows.get(key).update(item);
    }
    for (const [key, row] of this.rows) if (!rows.has(key)) row.element.remove();
    this.rows = rows;
    let place = this.parent.firstElementChild;
    for (const { element } of rows.values()) {
      if (element === place) place = place.nextElementSibling;
      else this.parent.insertBefore(element, place);
    }
  }
}

/** A line that says what just happened, for eyes and for screen readers; it goes after a while. */
export function say(text, tone = "ok") {
  const notes = document.getElementById("notes");
  const note = h("p.note", { "data-tone": tone }, text);
  notes.append(note);
  while (notes.childElementCount > 4) notes.firstElementChild.remove();
  setTimeout(() => note.remove(), tone === "bad" ? 15000 : 6000);
}

/** Call `take` with whether an element is on the screen, when that changes. */
export function whenSeen(element, take) {
  // A busy browser tells several changes at once; the last is true now.
  new IntersectionObserver((changes) => take(changes.at(-1).isIntersecting)).observe(element);
}
