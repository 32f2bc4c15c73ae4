"""Schema changes: raw SQL files under ``migrations/``, applied by yoyo.

yoyo reads the files, runs their statements and remembers their names. Beside it stand
a lock that dies with its holder, one transaction for a migration and the note that it was
applied, and checksums that tell of an applied file that was edited since.
"""
