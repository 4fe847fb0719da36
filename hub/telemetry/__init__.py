"""What the Hub says about itself: logs, traces, metrics; never a data value."""
