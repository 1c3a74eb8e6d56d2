"""The channel on which every process hears the id of a conversation or chat in which there is something new."""

CHANNEL = "conversations"
