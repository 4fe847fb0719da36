"""Many fragments, one catalogue."""
