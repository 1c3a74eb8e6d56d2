"""Rooms as Pods of a Kubernetes cluster: each with a disk of its own, and a name that is the lock on it."""
