"""Registered sources: drafted, checked, approved by an officer, published without a restart."""
