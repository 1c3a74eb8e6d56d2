"""What sessions show."""
