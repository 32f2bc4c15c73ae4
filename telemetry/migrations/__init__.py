"""Schema changes: raw SQL files under ``migrations/``, applied by yoyo.

yoyo reads the files, runs their statements and records their names. This package adds three
things: a lock that is freed when its process dies, one transaction for a migration together with
its record, and checksums that show when an applied file was edited.
"""
