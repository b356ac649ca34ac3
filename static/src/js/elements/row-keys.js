// <row-keys> around a list: j and k go from [data-row] to [data-row]; other single keys press the row's
// [data-key] button. Nothing happens while one types, with single keys switched off, or inside "g …".
class RowKeys extends HTMLElement {
  connectedCallback() {
    this.last = { key: "", at: 0 };
    this.press = (event) => this.onKey(event);
    document.addEventListener("keydown", this.press);
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.press);
  }

  onKey(event) {
    const before = this.last;
    this.last = { key: event.key, at: event.timeStamp };
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, select, textarea, dialog, [popover]") || this.isOff()) return;
    if (before.key === "g" && event.timeStamp - before.at < 1500) return;
    const rows = [...this.querySelectorAll("[data-row]")];
    const now = rows.indexOf(document.activeElement?.closest("[data-row]"));
    if (event.key === "j" || event.key === "k") {
      const next = rows[event.key === "j" ? now + 1 : Math.max(now - 1, 0)];
      next?.focus();
      next?.scrollIntoView({ block: "nearest" });
    } else if (now >= 0 && /^[a-z]$/.test(event.key)) {
      rows[now].querySelector(`[data-key="${event.key}"]`)?.click();
    }
  }

  isOff() {
    try {
      return localStorage.getItem("single-keys") === "off";
    } catch {
      return false;
    }
  }
}
customElements.define("row-keys", RowKeys);
