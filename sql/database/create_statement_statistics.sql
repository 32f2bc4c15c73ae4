-- Creates the view pg_stat_statements in the embedded database, for those who tune the statements.
-- Every statement of the service begins with its name, such as /* runs/create */.
-- params: none
-- index: none
-- locks: none
-- returns: nothing
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
