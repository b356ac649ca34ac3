// <command-palette> holds a <dialog> with a search that htmx answers; arrows and Enter choose.
import Combobox from "@github/combobox-nav";

class CommandPalette extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.input = this.querySelector("input");
    this.list = this.querySelector("[role=listbox]");
    this.nav = new Combobox(this.input, this.list, { firstOptionSelectionMode: "active", tabInsertsSuggestions: false });
    this.list.addEventListener("htmx:after:settle", () => this.restart());
    this.dialog.addEventListener("close", () => this.nav.stop());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    document.addEventListener("open-palette", () => this.open());
    for (const field of document.querySelectorAll("[data-opens-palette]")) {
      field.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        this.open();
      });
    }
  }

  open() {
    if (this.dialog.open) return;
    this.dialog.showModal();
    this.input.select();
    this.input.dispatchEvent(new Event("palette-opened", { bubbles: true }));
    this.restart();
  }

  // After each answer the first option must be active again, or Enter would do nothing.
  restart() {
    this.nav.stop();
    if (this.dialog.open) this.nav.start();
  }
}
customElements.define("command-palette", CommandPalette);
