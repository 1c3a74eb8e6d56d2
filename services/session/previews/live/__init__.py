"""What previews do while they live: connections, looks at their health, commands that start and end."""
