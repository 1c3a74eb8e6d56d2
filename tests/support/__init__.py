"""What tests share: real servers and small tools to wait for things."""
