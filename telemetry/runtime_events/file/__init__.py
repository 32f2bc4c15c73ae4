"""The JSON file backend of runtime events."""
