"""The tour: the main job through the public API, with every claim checked."""
