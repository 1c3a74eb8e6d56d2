"""Code of steps that runs in the runners of workspaces, and what is known of it here."""
