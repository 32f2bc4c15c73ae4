"""The requests of a web application as runtime events, whatever the interface of its server."""
