// <bulk-select> around a table: [data-check-all] ticks every [data-check]; [data-bulk-bar] shows while
// any is ticked, with the number in [data-bulk-count].
class BulkSelect extends HTMLElement {
  connectedCallback() {
    this.addEventListener("change", (event) => {
      if (event.target.matches("[data-check-all]")) {
        for (const box of this.querySelectorAll("[data-check]")) box.checked = event.target.checked;
      }
      this.show();
    });
    this.addEventListener("htmx:after:settle", () => this.show());
    this.show();
  }

  show() {
    const boxes = [...this.querySelectorAll("[data-check]")];
    const ticked = boxes.filter((box) => box.checked).length;
    const all = this.querySelector("[data-check-all]");
    if (all) {
      all.checked = ticked > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
    }
    const bar = this.querySelector("[data-bulk-bar]");
    if (bar) bar.hidden = ticked === 0;
    for (const count of this.querySelectorAll("[data-bulk-count]")) count.textContent = ticked;
  }
}
customElements.define("bulk-select", BulkSelect);
