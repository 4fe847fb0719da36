"""Composition: subgraphs' documents, or a supergraph's, made into one `Supergraph`."""
