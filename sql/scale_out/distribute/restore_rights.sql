-- Gives the rights that keep_rights.sql kept on what has been made again since.
-- params: none
-- index: system catalogue
-- locks: none that a reader or writer waits for
-- returns: nothing
DO $$
DECLARE
    change text;
BEGIN
    FOR change IN
        SELECT kept.change FROM kept_rights AS kept
        WHERE
            kept.oid <> CASE
                WHEN kept.is_function THEN to_regprocedure(kept.name)::oid
                ELSE to_regclass(kept.name)::oid
            END
        ORDER BY kept.turn
    LOOP
        EXECUTE change;
    END LOOP;
END
$$;
