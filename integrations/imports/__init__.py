"""Files in: a mapping says what their columns mean, services write the facts. See docs/imports.md."""
