"""A small agent that speaks the Agent Client Protocol: it stands in where a real one needs a model."""
