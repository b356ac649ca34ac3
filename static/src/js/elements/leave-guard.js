// <leave-guard> around a form asks before unsaved changes are left behind.
class LeaveGuard extends HTMLElement {
  connectedCallback() {
    this.changed = false;
    this.ask = (event) => this.changed && event.preventDefault();
    this.addEventListener("input", () => (this.changed = true));
    this.addEventListener("submit", () => (this.changed = false));
    addEventListener("beforeunload", this.ask);
  }

  disconnectedCallback() {
    removeEventListener("beforeunload", this.ask);
  }
}
customElements.define("leave-guard", LeaveGuard);
