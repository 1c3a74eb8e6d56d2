"""What people of an installation show to each other, across accounts."""
