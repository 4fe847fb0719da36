"""GraphQL servers and federation subgraphs as sources."""
