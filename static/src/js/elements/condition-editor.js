// <condition-editor> changes its rows in place; without it each button sends the form and the page comes back.
class ConditionEditor extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const button = event.target.closest("button[name=edit]");
      if (!button) return;
      event.preventDefault();
      this.update(button);
    });
    this.addEventListener("change", (event) => {
      if (event.target.matches("[data-refresh]")) this.update(this.querySelector("[data-refreshes]"));
    });
  }

  async update(button) {
    const form = button.form;
    const focused = document.activeElement?.id;
    const data = new FormData(form);
    data.set(button.name, button.value);
    const isPost = form.method === "post";
    const address = isPost ? form.action : `${form.action}?${new URLSearchParams(data)}`;
    const response = await fetch(address, {
      method: form.method,
      body: isPost ? data : undefined,
      headers: { "HX-Request": "true" },
    });
    if (!response.ok || response.redirected) return window.location.assign(form.action);
    const made = document.createRange().createContextualFragment(await response.text());
    const editor = made.querySelector("condition-editor");
    const added = button.value.startsWith("add:") ? editor.querySelectorAll(".cond-row").length : 0;
    this.replaceWith(editor);
    const next = added > 0 ? [...editor.querySelectorAll("[data-refresh]")].at(-1) : document.getElementById(focused);
    (next ?? editor.querySelector("button")).focus();
  }
}
customElements.define("condition-editor", ConditionEditor);
