// <shortcut-keys> makes data-hotkey="g h" work anywhere on the page. Single keys can be switched off in
// its dialog (WCAG 2.1.4); combinations with Control stay.
import { install, uninstall } from "@github/hotkey";

const off = () => {
  try {
    return localStorage.getItem("single-keys") === "off";
  } catch {
    return false;
  }
};

class ShortcutKeys extends HTMLElement {
  connectedCallback() {
    this.toggle = this.querySelector("input[type=checkbox]");
    if (this.toggle) {
      this.toggle.checked = !off();
      this.toggle.addEventListener("change", () => {
        localStorage.setItem("single-keys", this.toggle.checked ? "on" : "off");
        this.install(document);
      });
    }
    this.install(document);
    document.addEventListener("htmx:after:settle", () => this.install(document));
    document.addEventListener("hotkey-fire", (event) => {
      if (event.target.hasAttribute("data-opens-palette")) {
        event.preventDefault();
        document.dispatchEvent(new Event("open-palette"));
      }
    }, true);
  }

  install(root) {
    for (const element of root.querySelectorAll("[data-hotkey]")) {
      uninstall(element);
      const keys = element.dataset.hotkey.split(",").filter((key) => !off() || key.includes("+"));
      if (keys.length) install(element, keys.join(","));
    }
  }
}
customElements.define("shortcut-keys", ShortcutKeys);
