"""A gateway over federated subgraphs, without rules: open, on loopback only."""
