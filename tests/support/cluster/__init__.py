"""A Kubernetes API server for tests, and a node on which Pods are processes of this machine."""
