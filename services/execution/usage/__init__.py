"""What steps use of language models."""
