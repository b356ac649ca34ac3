// What every page loads: htmx, keys, and our elements. One element per behaviour, one file each.
import htmx from "htmx.org";
import "./commands.js";
import "./elements/bulk-select.js";
import "./elements/command-palette.js";
import "./elements/condition-editor.js";
import "./elements/copy-button.js";
import "./elements/draft-editor.js";
import "./elements/leave-guard.js";
import "./elements/peek-drawer.js";
import "./elements/row-keys.js";
import "./elements/shortcut-keys.js";
import "./elements/theme-switch.js";
import "./elements/toast-region.js";

window.htmx = htmx;
