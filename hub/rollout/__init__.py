"""Releases of rules: built, signed, put in force and taken back."""
