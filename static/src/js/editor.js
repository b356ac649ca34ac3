// Only on pages with <sort-list>: reorder by drag, by arrow keys and by buttons.
import "./elements/sort-list.js";
