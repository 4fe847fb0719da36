"""What connectors over HTTP share: connections, credentials, bodies within bounds, values."""
