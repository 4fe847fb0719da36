"""Who is who: departments, applications, persons and duty items, and what of it is known by now."""
