"""Registered sources: from what introspection finds to a fragment that can be published."""
