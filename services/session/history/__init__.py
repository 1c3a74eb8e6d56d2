"""What sessions printed, after the fact: their logs as files, searched, and let go of."""
