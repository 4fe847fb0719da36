"""From an operation to fetches: which subgraph is asked for what, in which order."""
