"""Two alternatives to this service over the same tables: a plain and a tuned one."""
