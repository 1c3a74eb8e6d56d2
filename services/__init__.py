"""The services of Stateroom, each with its own tables and process."""
