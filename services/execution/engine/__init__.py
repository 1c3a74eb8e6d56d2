"""Runs executions: a pure plan, step types behind a port, checkpoints of many at once, leases and wake-ups."""
