"""The GraphQL face of a catalogue, built per visibility."""
