"""From the bytes of a request to valid values."""
