"""The Hub: the only place where the rooms meet."""
