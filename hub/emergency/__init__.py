"""Break-glass: emergencies, what is opened in them, how it is told, reviewed and held against."""
