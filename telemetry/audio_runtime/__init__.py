"""The audio runtime ledger of engine PH1.K: what voice devices observed.

A device reports events of seven kinds. Each becomes a row of an append-only ledger, chained
by hash to the device's row before it, with a row of the audit trail beside it; together with
the projection (what is true of the device now) they commit in one transaction. The database
keeps the rules, whoever connects. The projection can be rebuilt from the ledger at any time,
and the ledger can be verified: by itself, and against heads that were kept elsewhere.
"""
