"""How data is reached: one connector for each kind of source."""
