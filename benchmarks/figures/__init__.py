"""One module for each figure; `measure` gets a running installation and returns rows."""
