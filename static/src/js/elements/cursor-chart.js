// <cursor-chart> around a chart figure: reads its table (time[datetime], td[data-value]) and draws the
// same line with a cursor and drag-to-zoom. The SVG stays for print and for browsers without script.
import uPlot from "uplot";

class CursorChart extends HTMLElement {
  connectedCallback() {
    const rows = [...this.querySelectorAll("tbody tr")];
    this.times = rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000);
    this.values = rows.map((row) => {
      const value = row.querySelector("[data-value]").dataset.value;
      return value === "" ? null : Number(value);
    });
    if (this.times.length < 2) return;
    this.plotBox = document.createElement("div");
    this.plotBox.className = "cursor-plot";
    this.plotBox.setAttribute("aria-hidden", "true"); // the SVG's label and the table tell the same
    this.querySelector("figure").prepend(this.plotBox);
    this.classList.add("is-live");
    this.redraw = () => this.draw();
    this.resizing = new ResizeObserver(() => this.plot?.setSize({ width: this.plotBox.clientWidth, height: 220 }));
    this.resizing.observe(this.plotBox);
    // uPlot reads colours when it draws, so a change of theme draws again.
    this.theme = new MutationObserver(this.redraw);
    this.theme.observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    this.draw();
  }

  disconnectedCallback() {
    this.resizing?.disconnect();
    this.theme?.disconnect();
    this.plot?.destroy();
  }

  colour(className, property) {
    const probe = document.createElement("span");
    probe.className = className;
    this.append(probe);
    const value = getComputedStyle(probe)[property];
    probe.remove();
    return value;
  }

  draw() {
    this.plot?.destroy();
    const line = this.colour("series-probe", "color");
    const area = this.colour("series-probe", "backgroundColor");
    const muted = this.colour("muted", "color");
    const rule = this.colour("series-probe", "borderTopColor");
    const axis = { stroke: muted, grid: { stroke: rule, width: 1 }, ticks: { show: false }, font: '12px "Inter Variable", sans-serif' };
    this.plot = new uPlot({
      width: this.plotBox.clientWidth,
      height: 220,
      scales: { y: { range: (_, low, high) => [Math.min(0, low), (high || 1) * 1.08] } },
      axes: [axis, { ...axis, size: 48 }],
      series: [
        { label: "Date", value: (_, at) => (at == null ? "–" : new Date(at * 1000).toLocaleDateString()) },
        { label: this.dataset.unit ?? "Value", stroke: line, fill: area, width: 1.75, points: { show: false } },
      ],
    }, [this.times, this.values], this.plotBox);
  }
}
customElements.define("cursor-chart", CursorChart);
