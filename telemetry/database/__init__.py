"""PostgreSQL: what every room that keeps its data there uses.

- ``database``: runs statements and transactions on the pool; a store needs little else
- ``connections``: gives out the connections of a process, and replaces those that turned read-only
- ``pool``: opens the pool of connections and takes a live one from it
- ``connection``: a connection that waits a bounded time for each response of the server
- ``unlimited``: connections and transactions of commands, without a time limit
- ``statements``: loads the statement files under ``sql/``
- ``values``: converts JSON into parameters, and column values into JSON
- ``batch_insert``: inserts a batch, and finds the records that a constraint refuses
- ``copy``: inserts a batch by COPY, which costs less CPU than INSERT
- ``errors``: the exceptions that the driver's errors are turned into, with what clients get
- ``urls``: checks the configured URLs; ``embedded``: the server of ``make run`` and the tests
"""
