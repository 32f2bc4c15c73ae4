"""The rate limit: a sliding one-minute window per client IP, or per /64 of IPv6.

The hits are in the database, so that all worker processes count together; without a database,
each process counts in its memory. The window is exact: no 60 seconds hold more requests of a
client than its allowance.
"""
