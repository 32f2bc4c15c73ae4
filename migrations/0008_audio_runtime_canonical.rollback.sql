SET LOCAL lock_timeout = '5s';

DROP FUNCTION os_core.audio_runtime_event_canonical_v1(
    bigint, text, text, bigint, text, bigint, text, text, text, bigint, text, text, text,
    double precision, double precision, double precision, bigint, bigint, bigint, text, bigint,
    boolean, boolean, boolean, boolean, boolean
);

DROP FUNCTION os_core.audio_runtime_event_canonical_v1(
    bigint, bytea, bigint, text, bigint, text, text, text, bigint, text, text, text,
    double precision, double precision, double precision, bigint, bigint, bigint, text, bigint,
    boolean, boolean, boolean, boolean, boolean
);

DROP FUNCTION os_core.canonical_kind(text);

DROP FUNCTION os_core.canonical_field(boolean);

DROP FUNCTION os_core.canonical_field(double precision);

DROP FUNCTION os_core.canonical_field(bigint);

DROP FUNCTION os_core.canonical_field(text);

DROP FUNCTION os_core.canonical_field(bytea);
