"""Pages about the people who work here and the keys of other systems."""
