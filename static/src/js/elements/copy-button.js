// <copy-button data-copies="id"> around a <button>: copies the text of that element.
class CopyButton extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    const label = button.querySelector("[data-label]") ?? button;
    const before = label.textContent;
    button.addEventListener("click", async () => {
      const source = document.getElementById(this.dataset.copies);
      await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
      label.textContent = "Copied";
      setTimeout(() => (label.textContent = before), 2000);
    });
  }
}
customElements.define("copy-button", CopyButton);
