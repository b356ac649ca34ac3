// <sort-list> around a list of [data-item]: drag by .grip, arrow keys on the grip, or [data-move="-1|1"] buttons.
// Says where an item went in its [aria-live] child and fires `reordered` (htmx: hx-trigger="reordered").
import Sortable from "sortablejs/modular/sortable.core.esm.js";

class SortList extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector("[data-items]");
    Sortable.create(this.list, { handle: ".grip", draggable: "[data-item]", animation: 120,
      onEnd: (event) => event.oldIndex !== event.newIndex && this.tell(event.item) });
    this.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!step || !event.target.matches(".grip")) return;
      event.preventDefault();
      this.move(event.target, step);
    });
    this.addEventListener("click", (event) => {
      const button = event.target.closest("[data-move]");
      if (button) this.move(button, Number(button.dataset.move));
    });
  }

  move(control, step) {
    const item = control.closest("[data-item]");
    const other = step < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    if (step < 0) other.before(item);
    else other.after(item);
    control.focus();
    this.tell(item);
  }

  tell(item) {
    const items = [...this.list.querySelectorAll("[data-item]")];
    const live = this.querySelector("[aria-live]");
    if (live) live.textContent = `${item.dataset.name ?? "Item"} is now ${items.indexOf(item) + 1} of ${items.length}`;
    this.dispatchEvent(new Event("reordered", { bubbles: true }));
  }
}
customElements.define("sort-list", SortList);
