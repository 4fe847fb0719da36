"""What every connector shares: residuals, limits, retries, conformance."""
