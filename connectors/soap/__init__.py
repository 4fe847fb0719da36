"""SOAP services: what a WSDL describes, as tables."""
