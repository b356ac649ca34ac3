// Only on pages with <cursor-chart>: a line chart with cursor and zoom in place of the server's SVG.
import "./elements/cursor-chart.js";
