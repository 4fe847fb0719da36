"""What a draft suggests of labels: from names and sampled values, with reasons, never decided."""
