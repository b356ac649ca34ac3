// <toast-region> holds the messages: good news leaves after 8 s (not while hovered or focused), errors stay.
// `toast` on document ({message, level}) adds one; a response with HX-Trigger can send it.
const STAY_MS = 8000;

class ToastRegion extends HTMLElement {
  connectedCallback() {
    this.popover = "manual"; // the top layer, so that a message is seen over an open dialog too
    this.addEventListener("click", (event) => event.target.closest("[data-close]")?.closest(".toast-note").remove());
    new MutationObserver(() => this.start()).observe(this, { childList: true });
    document.addEventListener("toast", ({ detail }) => this.add(detail.message, detail.level));
    document.addEventListener("htmx:response:error", ({ detail }) => {
      const { status, headers } = detail.ctx.response;
      if (status < 500 && status !== 403 && status !== 429) return;
      const id = headers.get?.("X-Request-ID");
      this.add(status === 403 ? "You may not do this." : status === 429 ? "Too many tries. Wait a minute."
        : `That did not work; nothing was saved.${id ? ` Request ${id}.` : ""}`, "error");
    });
    document.addEventListener("htmx:error", () => {
      if (!navigator.onLine) this.add("You are offline. What you typed is kept; try again when connected.", "error");
    });
    this.start();
  }

  add(message, level = "success") {
    const note = this.querySelector("template").content.firstElementChild.cloneNode(true);
    note.querySelector(".toast-text").textContent = message;
    note.dataset.level = level;
    note.classList.add(level === "error" ? "band-red" : "band-green");
    this.append(note);
  }

  start() {
    if (this.matches(":popover-open")) this.hidePopover();
    if (this.querySelector(".toast-note")) this.showPopover();
    for (const note of this.querySelectorAll(".toast-note:not([data-started])")) {
      note.dataset.started = "";
      if (note.dataset.level === "error" || note.dataset.level === "warning") continue;
      const leave = () => {
        if (note.matches(":hover, :focus-within")) setTimeout(leave, 1000);
        else note.remove();
      };
      setTimeout(leave, STAY_MS);
    }
  }
}
customElements.define("toast-region", ToastRegion);
