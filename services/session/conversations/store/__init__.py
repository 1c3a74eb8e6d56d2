"""The SQL that writes, and reads by id."""
