"""Chats: people of an account who talk to each other."""
