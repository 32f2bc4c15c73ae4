"""The doctor: checks a deployment end to end, and says how to fix what is wrong.

- ``examination``: runs every check of a deployment, each with a deadline
- ``configuration``: the variables, and combinations of them that surprise
- ``connection``: whether the database accepts a connection, and why not
- ``session``, ``pooler``, ``server``: what is between the service and its database, and around it
- ``readiness``: what readiness asks of a database, and the files of its migrations
- ``owner``: whether commands work on the same database
- ``verified``: what the last verify found
- ``clock``, ``trial``: the time of the database; a write and its read, which is rolled back
- ``retention``: whether the role may prune, where a retention is configured
- ``events_file``: the disk of the JSON file of runtime events
- ``finding``: what a check says

A check is a function that yields findings. One more is one function, and its name in the list of
``examination``.
"""
