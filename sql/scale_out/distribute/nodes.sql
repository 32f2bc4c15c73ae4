-- Reports what this node is in its cluster. Needs the extension.
-- params: none
-- index: system catalogue; pg_dist_node has a row per node
-- locks: none
-- returns: one row: is_coordinator, and workers (how many of them take shards)
SELECT
    citus_is_coordinator() AS is_coordinator,
    count(*) FILTER (WHERE node.groupid <> 0 AND node.shouldhaveshards) AS workers
FROM pg_dist_node AS node
WHERE node.isactive AND node.noderole = 'primary';
