"""The channel on which every process hears the id of a conversation, chat or editor in which there is something new."""

CHANNEL = "conversations"
