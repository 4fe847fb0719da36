"""The Hub's own database."""
