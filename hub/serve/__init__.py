"""The doors: HTTP in, one answer out."""
