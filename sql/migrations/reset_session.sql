-- Restores the settings with which a session began, because a transaction pooler gives the session
-- to another client next.
-- params: none
-- index: none
-- locks: none
-- returns: nothing
RESET ALL;
