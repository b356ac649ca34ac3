// <remote-select data-url="/…?q="> around a <select>: options come as JSON [{value, text}] while typing.
import TomSelect from "tom-select/base";

class RemoteSelect extends HTMLElement {
  connectedCallback() {
    const select = this.querySelector("select");
    const label = document.querySelector(`label[for="${select.id}"]`)?.textContent.trim();
    this.choice = new TomSelect(select, {
      maxItems: select.multiple ? null : 1,
      load: this.dataset.url ? (text, done) => this.load(text, done) : undefined,
      shouldLoad: (text) => text.length > 1,
    });
    if (label) this.choice.control_input.setAttribute("aria-label", label);
    select.setAttribute("aria-label", label ?? select.name);
  }

  async load(text, done) {
    try {
      const response = await fetch(this.dataset.url + encodeURIComponent(text), { headers: { Accept: "application/json" } });
      done(response.ok ? await response.json() : []);
    } catch {
      done([]);
    }
  }

  disconnectedCallback() {
    this.choice?.destroy();
  }
}
customElements.define("remote-select", RemoteSelect);
