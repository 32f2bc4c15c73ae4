"""The audio runtime ledger of engine PH1.K: what voice devices observed.

A device reports events of seven kinds. Each event is a row of an append-only ledger, chained by
hash to the row before it of the same device. Its audit row, the projection (the current state of
the device) and the head of the chain commit in the same transaction. The database enforces the
rules for every client. The projection can be rebuilt from the ledger at any time, and the ledger
can be verified, by itself and against kept heads.
"""
