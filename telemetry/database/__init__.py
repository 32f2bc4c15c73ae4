"""PostgreSQL, whatever the room."""
