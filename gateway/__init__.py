"""The door for browsers and scripts: REST and WebSocket in, gRPC out, with routes read from the contracts."""
