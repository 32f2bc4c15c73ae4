"""The rate limit: a sliding one-minute window per client IP.

Held in the database, so that all worker processes count together; in the memory of
the process where there is no database. The window is exact: in no 60 seconds does a
client get more than its allowance.
"""
