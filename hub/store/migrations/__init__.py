"""Steps from one shape of the Hub's database to the next."""
