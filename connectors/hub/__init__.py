"""Another Hub as a source: it rules too, on whoever asks here."""
