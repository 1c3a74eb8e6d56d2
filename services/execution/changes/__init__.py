"""Changes of resources, of all services, for which triggers wait."""
