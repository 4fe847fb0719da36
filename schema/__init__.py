"""What the data is: labels, entity types, fragments, the catalogue and its GraphQL face."""
