"""Who is asking: credentials in, a Subject out."""
