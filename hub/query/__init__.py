"""The query path: one operation from text to answer."""
