"""What figures are held against: the simplest or best known program that does the same, in a process of its own."""
