// <draft-editor> around a form: saves while one types, and changes in place what a button[name=do] asks for;
// without it each button sends the form and the page comes back. After a save only [data-live] parts change.
const PAUSE_MS = 800;

class DraftEditor extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.addEventListener("input", () => this.saveSoon());
    this.addEventListener("change", (event) => {
      if (event.target.matches("[data-refresh-part]")) this.send("save", event.target.id);
      else this.saveSoon();
    });
    this.addEventListener("click", (event) => {
      const button = event.target.closest("button[name=do]");
      if (!button) return;
      event.preventDefault();
      this.send(button.value, button.id);
    });
    this.leaving = () => this.timer && this.form.isConnected && this.keep();
    addEventListener("pagehide", this.leaving);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    removeEventListener("pagehide", this.leaving);
  }

  saveSoon() {
    clearTimeout(this.timer);
    this.say("Saving…");
    this.timer = setTimeout(() => this.save(), PAUSE_MS);
  }

  keep() {
    navigator.sendBeacon(this.form.action, new FormData(this.form));
  }

  say(text) {
    this.querySelector("#draft-state").textContent = text;
  }

  async post(verb) {
    clearTimeout(this.timer);
    this.timer = null;
    const data = new FormData(this.form);
    data.set("do", verb);
    try {
      const response = await fetch(this.form.action, { method: "POST", body: data, headers: { "HX-Request": "true" } });
      if (!response.ok || response.redirected) throw new Error(response.status);
      return document.createRange().createContextualFragment(await response.text()).querySelector("draft-editor");
    } catch {
      this.say("Not saved. Check the connection, then press Save draft.");
      return null;
    }
  }

  async save() {
    const made = await this.post("save");
    if (!made) return;
    for (const live of made.querySelectorAll("[data-live]")) {
      const old = this.querySelector(`#${CSS.escape(live.id)}`);
      if (old && !old.isEqualNode(live)) old.replaceWith(live);
    }
    this.tell();
  }

  async send(verb, focused) {
    const made = await this.post(verb);
    if (!made) return;
    const part = made.querySelector("[name=part]").value;
    this.replaceWith(made);
    history.replaceState(null, "", `?part=${encodeURIComponent(part)}`);
    const opened = verb.startsWith("add-") || verb.startsWith("open:");
    const first = opened && (made.querySelector("[data-focus]") ?? made.querySelector(".draft-panel .form-control"));
    (first || document.getElementById(focused) || document.getElementById(`open-${part}`))?.focus();
    made.tell();
  }

  tell() {
    document.body.dispatchEvent(new CustomEvent("draft-saved"));
  }
}
customElements.define("draft-editor", DraftEditor);
