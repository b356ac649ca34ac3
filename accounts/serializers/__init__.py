"""How rows look in the API: a reader and a writer per resource."""
