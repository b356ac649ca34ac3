// <peek-drawer> holds a <dialog class="drawer"> that opens when htmx has filled it.
class PeekDrawer extends HTMLElement {
  connectedCallback() {
    const dialog = this.querySelector("dialog");
    this.addEventListener("htmx:after:settle", () => dialog.open || dialog.showModal());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
}
customElements.define("peek-drawer", PeekDrawer);
