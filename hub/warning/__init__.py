"""Early warning: rules over what is on record, and who is told."""
