// <theme-switch> around buttons with data-theme-choice="system|light|dark".
class ThemeSwitch extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const button = event.target.closest("[data-theme-choice]");
      if (button) this.choose(button.dataset.themeChoice);
    });
    this.show();
  }

  choose(theme) {
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // A browser that keeps nothing still changes this page.
    }
    dispatchEvent(new Event("theme-chosen"));
    this.show();
  }

  show() {
    for (const button of this.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", button.dataset.themeChoice === document.documentElement.dataset.theme);
    }
  }
}
customElements.define("theme-switch", ThemeSwitch);
