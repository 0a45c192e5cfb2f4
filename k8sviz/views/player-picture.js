/* One picture of a film: every item has its place for good, and frames only fill, change and empty these places. */

import { h, SVG } from "./common.js";
import { clamp } from "./player-time.js";

/** @typedef {{left: number, top: number, right: number, bottom: number}} Place */

const GHOST = 1400; // milliseconds for which one still sees what is gone
const SMALLEST = 0.6; // a picture that fits the width at this scale still reads
const READABLE = 0.8; // one that does not is shown so, and scrolls

export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** The rectangle around several. @param {Place[]} places @returns {Place} */
function around(places) {
  return { left: Math.min(...places.map((p) => p.left)), top: Math.min(...places.map((p) => p.top)),
           right: Math.max(...places.map((p) => p.right)), bottom: Math.max(...places.map((p) => p.bottom)) };
}

export class Picture {
  /** @param {import("./player-time.js").Film} film @param {string} label */
  constructor(film, label) {
    const { words } = film;
    this.film = film;
    /** @type {number | null} as large as fits and still reads well, where nobody chose */
    this.zoom = null;
    this.whole = false;
    this.shown = new Int32Array(film.items.length).fill(-1);
    /** @type {Map<number, ReturnType<typeof setTimeout>>} */
    this.leaving = new Map();
    this.aim = { left: 0, top: 0, until: 0 }; // where a smooth scroll that is under way will end
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("class", "kv kvp-svg");
    this.svg.setAttribute("viewBox", `0 0 ${film.width} ${film.height}`);
    this.svg.setAttribute("role", "img");
    this.svg.setAttribute("aria-label", label);
    this.slots = film.items.map(([layer]) => {
      const slot = document.createElementNS(SVG, "g");
      slot.setAttribute("class", `kvp-slot kvp-${layer}`);
      this.svg.append(slot);
      return slot;
    });
    this.empty = h("p", { class: "kvp-empty" }, h("strong", {}, words.empty), h("br"), words.empty_hint);
    this.box = h("div", { class: "kvp-picture", tabindex: "0", role: "group", "aria-label": words.picture }, this.svg);
    this.frame = h("div", { class: "kvp-stage" }, this.box, this.empty);
    this.box.addEventListener("pointerdown", (event) => this.drag(/** @type {PointerEvent} */ (event)));
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.box);
  }

  /**
   * Show what a frame shows; returns which items are new, changed and gone since what was seen before.
   * @param {Int32Array<ArrayBuffer>} shown
   */
  show(shown, quietly = false) {
    /** @type {Record<"fresh" | "changed" | "gone", number[]>} */
    const seen = { fresh: [], changed: [], gone: [] };
    this.settle();
    shown.forEach((part, item) => {
      const before = this.shown[item];
      if (part === before) return;
      if (part < 0) this.leave(item, quietly);
      else this.fill(item, part, before < 0 ? "kvp-new" : "kvp-changed", quietly);
      (part < 0 ? seen.gone : before < 0 ? seen.fresh : seen.changed).push(item);
    });
    this.shown = shown;
    this.empty.hidden = this.film.items.some(([layer], item) => layer === "node" && shown[item] >= 0);
    this.follow([...seen.fresh, ...seen.changed]);
    return seen;
  }

  /** Take the marks off what changed last, and what was fading away. */
  settle() {
    for (const slot of this.svg.querySelectorAll(".kvp-new, .kvp-changed")) slot.classList.remove("kvp-new", "kvp-changed");
    for (const [item, timer] of this.leaving) {
      clearTimeout(timer);
      this.clear(item);
    }
  }

  /** @param {number} item @param {number} part @param {string} mark @param {boolean} quietly */
  fill(item, part, mark, quietly) {
    const slot = this.slots[item];
    slot.innerHTML = this.film.parts[part]; // escaped by Python, see render/svg.py
    if (!quietly) slot.classList.add(mark);
  }

  /** @param {number} item @param {boolean} quietly */
  leave(item, quietly) {
    if (quietly || calm()) return this.clear(item);
    this.slots[item].classList.add("kvp-gone");
    this.leaving.set(item, setTimeout(() => this.clear(item), GHOST));
  }

  /** @param {number} item */
  clear(item) {
    this.leaving.delete(item);
    this.slots[item].classList.remove("kvp-gone");
    this.slots[item].replaceChildren();
  }

  /**
   * Bring a change into sight, unless one is there already: all of it where that fits, else its first node.
   * @param {number[]} items
   */
  follow(items) {
    const nodes = items.filter((item) => this.film.items[item][0] === "node");
    if (!nodes.length || !this.box.isConnected) return;
    const places = nodes.map((item) => this.place(item));
    const { clientWidth: width, clientHeight: height } = this.box;
    const { left: x, top: y } = performance.now() < this.aim.until ? this.aim : { left: this.box.scrollLeft, top: this.box.scrollTop };
    /** @param {Place} p */
    const inSight = (p) => p.left >= x && p.top >= y && p.right <= x + width && p.bottom <= y + height;
    if (places.every(inSight)) return;
    const all = around(places);
    const wanted = all.right - all.left <= width && all.bottom - all.top <= height ? all : places[0];
    if (wanted !== all && places.some(inSight)) return;
    this.aim = { left: clamp((wanted.left + wanted.right - width) / 2, 0, Math.max(this.box.scrollWidth - width, 0)),
                 top: clamp((wanted.top + wanted.bottom - height) / 2, 0, Math.max(this.box.scrollHeight - height, 0)),
                 until: performance.now() + 600 };
    this.box.scrollTo({ left: this.aim.left, top: this.aim.top, behavior: calm() ? "auto" : "smooth" });
  }

  /** @param {number} item @returns {Place} */
  place(item) {
    const { x, y, width, height } = this.slots[item].getBBox();
    const scale = this.scale();
    return { left: x * scale, top: y * scale, right: (x + width) * scale, bottom: (y + height) * scale };
  }

  scale() {
    const wide = (this.box.clientWidth || this.film.width) / this.film.width;
    if (this.zoom !== null) return this.zoom;
    const most = parseFloat(getComputedStyle(this.box).maxHeight) || 600;
    if (this.whole) return Math.min(wide, most / this.film.height, 1);
    return wide < SMALLEST ? READABLE : Math.min(wide, 1);
  }

  resize() {
    const scale = this.scale();
    this.svg.setAttribute("width", String(Math.floor(this.film.width * scale)));
    this.svg.setAttribute("height", String(Math.floor(this.film.height * scale)));
    this.box.classList.toggle("kvp-larger", this.film.width * scale > this.box.clientWidth + 1);
  }

  /** Larger or smaller by a factor; the whole picture at once is a choice of its own. @param {number} factor */
  magnify(factor) {
    this.zoom = clamp(this.scale() * factor, 0.2, 3);
    this.whole = false;
    this.resize();
  }

  /** @param {boolean} whole */
  fit(whole) {
    this.zoom = null;
    this.whole = whole;
    this.resize();
  }

  /** A mouse moves the picture by dragging it; fingers scroll anyway. @param {PointerEvent} down */
  drag(down) {
    if (down.pointerType !== "mouse" || down.button !== 0) return;
    const { scrollLeft, scrollTop } = this.box;
    /** @param {PointerEvent} event */
    const move = (event) => {
      this.box.scrollLeft = scrollLeft - (event.clientX - down.clientX);
      this.box.scrollTop = scrollTop - (event.clientY - down.clientY);
    };
    const up = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
  }
}
