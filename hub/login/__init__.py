"""How people log in, and how applications get tokens of the hub's own."""
