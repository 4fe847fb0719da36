"""What may be seen: pure decisions, the same input gives the same ruling."""
