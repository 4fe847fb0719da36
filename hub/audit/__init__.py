"""The tamper-evident log: one entry per operation, durable before its answer leaves."""
