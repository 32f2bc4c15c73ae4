-- Returns a token that stays the same only while nothing in the database becomes visible or goes
-- away: the snapshot. It names every transaction that is not visible, so two equal ones see the
-- same rows, of every table. Other writes change it too; then a page is made again, which is never
-- wrong. It serves the pages that show runtime events or all devices. For these no feed would do:
-- a DBA may delete or correct events, a PUT or a rebuild changes a device, and none of it has a
-- number. Pages of runs have runs_token.sql, the page of one device has device_token.sql.
-- The start of the server tells clusters apart whose transactions have the same numbers.
-- params: none
-- index: none; it reads no table
-- locks: none
-- returns: token
SELECT
    concat_ws(
        ' ',
        pg_current_snapshot(),
        pg_postmaster_start_time(),
        current_database()
    ) AS token;
