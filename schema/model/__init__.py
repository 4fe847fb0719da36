"""The shared nouns; pure values."""
