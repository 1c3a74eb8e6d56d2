"""Sessions that somebody deletes: out of sight at once, gone with their logs after a while."""
