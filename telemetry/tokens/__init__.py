"""Tokens of the API besides that of the environment: named, with scopes, possibly bound.

The database has their hashes. Every process keeps the valid tokens in memory.
"""
