-- Describes the functions that the rules of the audio runtime rest on: those of its schemas, of its
-- triggers and of the defaults of its columns. What a DBA may tune (cost, comments) is no part of a
-- definition, and neither are the line ends of a checkout.
-- Run it after definitions_set_up.sql.
-- params: none
-- index: system catalogue
-- locks: none
-- returns: kind, name (without schema outside of the room's) and definition, the same from
-- PostgreSQL 14 to 18
SELECT
    'function' AS kind,
    concat(
        CASE WHEN namespace.nspname IN ('os_core', 'audit') THEN namespace.nspname || '.' END,
        routine.proname,
        '(',
        oidvectortypes(routine.proargtypes),
        ')'
    ) AS name,
    replace(
        row(
            routine.prokind,
            routine.provolatile,
            routine.proparallel,
            routine.prosecdef,
            routine.proisstrict,
            routine.proconfig,
            pg_language.lanname,
            pg_get_function_arguments(routine.oid),
            pg_get_function_result(routine.oid),
            routine.prosrc,
            pg_get_function_sqlbody(routine.oid),
            pg_aggregate.aggtransfn,
            pg_aggregate.aggfinalfn,
            pg_aggregate.agginitval
        )::text,
        chr(13),
        ''
    ) AS definition
FROM pg_proc AS routine
INNER JOIN pg_namespace AS namespace ON routine.pronamespace = namespace.oid
INNER JOIN pg_language ON routine.prolang = pg_language.oid
LEFT JOIN pg_aggregate ON routine.oid = pg_aggregate.aggfnoid
WHERE
    namespace.nspname IN ('os_core', 'audit')
    OR routine.oid IN (
        SELECT pg_trigger.tgfoid
        FROM pg_trigger
        INNER JOIN pg_class ON pg_trigger.tgrelid = pg_class.oid
        INNER JOIN pg_namespace AS of_table ON pg_class.relnamespace = of_table.oid
        WHERE of_table.nspname IN ('os_core', 'audit') AND NOT pg_trigger.tgisinternal
    )
    OR routine.oid IN (
        SELECT pg_depend.refobjid
        FROM pg_depend
        INNER JOIN pg_attrdef ON pg_depend.objid = pg_attrdef.oid
        INNER JOIN pg_class ON pg_attrdef.adrelid = pg_class.oid
        INNER JOIN pg_namespace AS of_table ON pg_class.relnamespace = of_table.oid
        WHERE
            of_table.nspname IN ('os_core', 'audit')
            AND pg_depend.classid = 'pg_attrdef'::regclass
            AND pg_depend.refclassid = 'pg_proc'::regclass
    );
