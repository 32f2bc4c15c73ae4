"""From the lines of the spool to the service: the thread, its requests, and their responses."""
