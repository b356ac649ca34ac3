// Only on pages with <remote-select>: choose among thousands by typing.
import "./elements/remote-select.js";
