"""HTTP, whatever the room: the application, its errors and its log."""
