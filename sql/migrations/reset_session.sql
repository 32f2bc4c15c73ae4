-- Gives a session the settings with which it began: behind a transaction pooler another client
-- has it next.
-- params: none
-- index: none
-- locks: none
-- returns: nothing
RESET ALL;
