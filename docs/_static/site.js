/*
 * Shows the widgets that the notebooks have stored, without a kernel: a module is given a model that only remembers.
 * A classic script, since a browser loads no module from a disk.
 */
(() => {
  "use strict";

  /** As much of a widget's model as a module asks for. */
  class Model {
    constructor(state) {
      this.state = state;
      this.told = {};
    }
    get(key) {
      return this.state[key];
    }
    set(key, value) {
      const news = typeof key === "object" ? key : { [key]: value };
      for (const [name, now] of Object.entries(news)) {
        this.state[name] = now;
        this.emit(`change:${name}`, this, now);
      }
      this.emit("change", this);
    }
    emit(name, ...facts) {
      for (const tell of [...(this.told[name] ?? [])]) tell(...facts);
    }
    on(names, tell) {
      for (const name of names.split(/\s+/)) (this.told[name] ??= []).push(tell);
    }
    off(names, tell) {
      for (const name of (names ?? Object.keys(this.told).join(" ")).split(/\s+/)) {
        this.told[name] = tell ? (this.told[name] ?? []).filter((other) => other !== tell) : [];
      }
    }
    save_changes() {}
    send() {
      throw new Error("no kernel"); // a module that asks one says so itself
    }
  }

  async function show(place) {
    const state = JSON.parse(place.querySelector("script").textContent);
    let module = window.k8svizWidgets[place.dataset.module];
    if (typeof module === "function") module = await module();
    const model = new Model(state);
    const el = document.createElement("div");
    await module.initialize?.({ model });
    await module.render({ model, el });
    place.querySelector(".kx-before").replaceWith(el);
    place.dataset.shown = "";
  }

  /** What scrolls must be reachable by keys. */
  function reachable() {
    for (const box of document.querySelectorAll("pre, .table-wrapper, .kx-scroll")) {
      if (box.scrollWidth > box.clientWidth + 1) {
        if (!box.hasAttribute("tabindex")) box.tabIndex = 0;
      }
    }
  }

  async function all() {
    const places = [...document.querySelectorAll(".kx-widget")];
    await Promise.all(places.map(show));
    reachable();
    document.documentElement.dataset.widgets = String(places.length);
    // what was below has moved
    if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  }

  addEventListener("resize", reachable);
  all();
})();
