-- Describes the server, the database and the rights of the role, so that migrate can refuse before
-- it changes anything. Names are quoted, ready to stand in a GRANT.
-- params: schemas (array: the schemas that pending migrations name)
-- index: system catalogue
-- locks: none
-- returns: one row: version (such as 140005), encoding, in_recovery, read_only, role, database,
-- may_create_schemas, schema (where new tables go; NULL when the role can use no schema of its
-- search_path), named_schemas (those of the search_path that exist) and closed_schemas (those in
-- which the role would have to create objects and may not)
SELECT
    current_setting('server_version_num')::integer AS version,
    current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() AS in_recovery,
    current_setting('default_transaction_read_only')::boolean AS read_only,
    quote_ident(current_user) AS role,
    quote_ident(current_database()) AS database,
    has_database_privilege(current_database(), 'CREATE') AS may_create_schemas,
    quote_ident(current_schema()) AS schema,
    array(
        SELECT quote_ident(nspname) FROM pg_namespace
        WHERE
            nspname = any(
                string_to_array(
                    replace(
                        replace(
                            replace(current_setting('search_path'), '$user', current_user), '"', ''
                        ), ' ', ''
                    ), ','
                )
            )
        ORDER BY nspname
    ) AS named_schemas,
    array(
        SELECT quote_ident(nspname) FROM pg_namespace
        WHERE
            (nspname = current_schema() OR nspname = any(%(schemas)s::text[]))
            AND NOT has_schema_privilege(oid, 'CREATE')
        ORDER BY nspname
    ) AS closed_schemas;
