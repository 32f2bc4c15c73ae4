"""The audit trail: what auditors may see of the ledgers, append-only.

Each row stands for one event of a ledger and is written in its transaction, by the ledger's
own append; nothing here writes. The table's CHECKs are the list of what may be shown.
"""
