"""Files of a workspace, reached by callers from outside its sandbox and never beyond its directory."""
