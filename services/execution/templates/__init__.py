"""Templates: what agents, workflows and steps are made of."""
