-- Moves shards to workers that have none, as after citus_add_node. Each shard moves by logical
-- replication in a transaction of its own, while others read and write; an interrupted move is
-- undone, and a repetition moves what is left.
-- params: none
-- index: none
-- locks: for the end of each move, the writes to its shards
-- returns: nothing
SELECT rebalance_table_shards();
