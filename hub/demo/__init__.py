"""The demo city: sources to try the Hub on, started and filled by `hub demo`."""
