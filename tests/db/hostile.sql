-- A schema to stand ahead of pg_catalog in a search_path: it has a twin of all that can be had in
-- a schema, and each twin raises when it is used.
DO $$
DECLARE
  it record;
  twin text := ' LANGUAGE plpgsql AS ''BEGIN RAISE ''''a twin was used''''; END''';
BEGIN
  CREATE SCHEMA evil;
  FOR it IN
    SELECT proname, pg_get_function_identity_arguments(p.oid) AS args,
        format_type(prorettype, NULL) AS returned
      FROM pg_proc p WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f'
      AND NOT EXISTS (SELECT FROM unnest(proargtypes::oid[] || prorettype) t
        JOIN pg_type ON pg_type.oid = t WHERE typtype = 'p' AND typname !~ '^any.*(element|array)')
      AND proname !~ '_(in|out|recv|send)$' AND NOT proretset AND proargmodes IS NULL
  LOOP
    EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s%s',
      it.proname, it.args, it.returned, twin);
  END LOOP;
  FOR it IN
    SELECT oprname, format_type(oprleft, NULL) AS l, format_type(oprright, NULL) AS r
      FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprleft <> 0 AND oprright <> 0
      AND format_type(oprleft, NULL) || format_type(oprright, NULL) !~ 'any'
  LOOP
    EXECUTE format('CREATE OR REPLACE FUNCTION evil.operand(%s, %s) RETURNS bool%s',
      it.l, it.r, twin);
    EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = evil.operand)',
      it.oprname, it.l, it.r);
  END LOOP;
  FOR it IN
    SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace
      AND relkind IN ('r', 'v') UNION SELECT 'applied_migrations'
  LOOP
    EXECUTE format('CREATE TABLE evil.%I (no int)', it.relname);
  END LOOP;
  FOR it IN
    SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace
      AND typtype = 'b' AND typname !~ '^_'
  LOOP
    EXECUTE format('CREATE DOMAIN evil.%I AS bool CHECK (bool ''off'')', it.typname);
  END LOOP;
END $$
