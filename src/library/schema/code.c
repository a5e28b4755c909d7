/* What the catalogs say of functions, procedures, aggregates, operators and what belongs to them.
 */
#include "schema/catalog.h"

#include <stddef.h>

/* What differs from what CREATE AGGREGATE has by default. */
#define AGGREGATE                                                                                  \
    "(SELECT concat_ws(' ', '\1SFUNC', a.aggtransfn, 'STYPE', a.aggtranstype::regtype,"            \
    " 'SSPACE ' || NULLIF(a.aggtransspace, 0), 'FINALFUNC ' || NULLIF(a.aggfinalfn, 0)::regproc,"  \
    " CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,"                                       \
    " CASE WHEN a.aggfinalfn <> 0 THEN 'FINALFUNC_MODIFY ' || a.aggfinalmodify::text END,"         \
    " 'COMBINEFUNC ' || NULLIF(a.aggcombinefn, 0)::regproc,"                                       \
    " 'SERIALFUNC ' || NULLIF(a.aggserialfn, 0)::regproc,"                                         \
    " 'DESERIALFUNC ' || NULLIF(a.aggdeserialfn, 0)::regproc,"                                     \
    " 'MSFUNC ' || NULLIF(a.aggmtransfn, 0)::regproc,"                                             \
    " 'MINVFUNC ' || NULLIF(a.aggminvtransfn, 0)::regproc,"                                        \
    " 'MSTYPE ' || NULLIF(a.aggmtranstype, 0)::regtype,"                                           \
    " 'MFINALFUNC ' || NULLIF(a.aggmfinalfn, 0)::regproc,"                                         \
    " 'SORTOP ' || NULLIF(a.aggsortop, 0)::regoperator,"                                           \
    " CASE a.aggkind WHEN 'h' THEN 'HYPOTHETICAL' WHEN 'o' THEN 'ORDERED SET' END,"                \
    " 'INITCOND ' || quote_literal(a.agginitval), 'MINITCOND ' || quote_literal(a.aggminitval))"   \
    " FROM pg_aggregate a WHERE a.aggfnoid = f.oid)"

/* The body of a function is the user's own text, but of one that was parsed when it was made (BEGIN
 * ATOMIC, from 14 on). */
static const char functions[] =
    " UNION ALL SELECT 'pg_proc'::regclass, f.oid, NULL, NULL, NULL, NULL, f.proowner, 'f',"
    " f.proacl, NULL, concat(CASE WHEN f.proargnames IS NOT NULL THEN '\1(' ||"
    " pg_get_function_identity_arguments(f.oid) || ')' END,"
    " '\1RETURNS ' || pg_get_function_result(f.oid),"
    " '\2DEFAULTS ' || pg_get_expr(f.proargdefaults, 0), " AGGREGATE ","
    " '\1' || NULLIF(concat_ws(' ', CASE WHEN f.prokind <> 'a' THEN 'LANGUAGE ' ||"
    " quote_ident(l.lanname) END, CASE f.prokind WHEN 'w' THEN 'WINDOW' END,"
    " CASE f.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' END,"
    " CASE WHEN f.proisstrict THEN 'STRICT' END,"
    " CASE WHEN f.prosecdef THEN 'SECURITY DEFINER' END,"
    " CASE WHEN f.proleakproof THEN 'LEAKPROOF' END,"
    " CASE f.proparallel WHEN 's' THEN 'PARALLEL SAFE' WHEN 'r' THEN 'PARALLEL RESTRICTED' END,"
    " 'COST ' || NULLIF(f.procost, CASE WHEN l.lanname = ANY ('{internal,c}') THEN 1 ELSE 100 END),"
    " CASE WHEN f.proretset THEN 'ROWS ' || NULLIF(f.prorows, 1000) END,"
    " 'SUPPORT ' || NULLIF(f.prosupport, 0)::regproc, 'TRANSFORM ' || (SELECT string_agg("
    "y::regtype::text, ', ') FROM unnest(f.protrftypes) AS y)), ''),"
    " (SELECT string_agg('\1SET ' || s.t, '' ORDER BY s.n) FROM unnest(f.proconfig)"
    " WITH ORDINALITY AS s (t, n)), '\1LIBRARY ' || quote_literal(f.probin),"
    " CASE WHEN j.f ->> 'prosqlbody' IS NOT NULL THEN '\2' || rtrim(pg_get_functiondef(f.oid),"
    " E'\\n') WHEN f.prokind <> 'a' THEN '\1AS\1    ' || replace(rtrim(ltrim(f.prosrc,"
    " E'\\r\\n'), E' \\r\\n'), E'\\n', '\1    ') END)"
    " FROM pg_proc f JOIN pg_language l ON l.oid = f.prolang"
    " CROSS JOIN LATERAL (SELECT to_jsonb(f) AS f OFFSET 0) AS j WHERE f.oid >= 16384";

static const char operators[] =
    " UNION ALL SELECT 'pg_operator'::regclass, p.oid, NULL, NULL, NULL, NULL, p.oprowner, NULL,"
    " NULL, NULL, concat_ws(' ', '\1FUNCTION', p.oprcode,"
    " 'COMMUTATOR ' || NULLIF(p.oprcom, 0)::regoperator,"
    " 'NEGATOR ' || NULLIF(p.oprnegate, 0)::regoperator,"
    " 'RESTRICT ' || NULLIF(p.oprrest, 0)::regproc, 'JOIN ' || NULLIF(p.oprjoin, 0)::regproc,"
    " CASE WHEN p.oprcanhash THEN 'HASHES' END, CASE WHEN p.oprcanmerge THEN 'MERGES' END)"
    " FROM pg_operator p WHERE p.oid >= 16384"

    " UNION ALL SELECT 'pg_opclass'::regclass, c.oid, NULL, NULL, NULL, NULL, c.opcowner, NULL,"
    " NULL, NULL, concat('\1', CASE WHEN c.opcdefault THEN 'DEFAULT ' END, concat_ws(' ',"
    " 'FOR TYPE', c.opcintype::regtype, 'FAMILY', quote_ident(f.opfname),"
    " 'STORAGE ' || NULLIF(c.opckeytype, 0)::regtype))"
    " FROM pg_opclass c JOIN pg_opfamily f ON f.oid = c.opcfamily WHERE c.oid >= 16384"

    " UNION ALL SELECT 'pg_opfamily'::regclass, f.oid, NULL, NULL, NULL, NULL, f.opfowner, NULL,"
    " NULL, NULL, concat((SELECT string_agg(concat_ws(' ', '\1OPERATOR', o.amopstrategy,"
    " o.amopopr::regoperator, 'FOR ORDER BY ' || (SELECT quote_ident(s.opfname) FROM pg_opfamily s"
    " WHERE s.oid = o.amopsortfamily)), '' ORDER BY o.amopstrategy, o.amopopr::regoperator::text"
    " COLLATE \"C\") FROM pg_amop o WHERE o.amopfamily = f.oid),"
    " (SELECT string_agg(concat_ws(' ', '\1FUNCTION', p.amprocnum, format('(%s, %s)',"
    " p.amproclefttype::regtype, p.amprocrighttype::regtype), p.amproc::regprocedure), ''"
    " ORDER BY p.amprocnum, p.amproc::regprocedure::text COLLATE \"C\") FROM pg_amproc p"
    " WHERE p.amprocfamily = f.oid)) FROM pg_opfamily f WHERE f.oid >= 16384"

    " UNION ALL SELECT 'pg_cast'::regclass, c.oid, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " concat_ws(' ', '\1' || CASE c.castmethod WHEN 'f' THEN 'FUNCTION ' ||"
    " c.castfunc::regprocedure WHEN 'i' THEN 'INOUT' ELSE 'WITHOUT FUNCTION' END,"
    " CASE c.castcontext WHEN 'a' THEN 'AS ASSIGNMENT' WHEN 'i' THEN 'AS IMPLICIT' END)"
    " FROM pg_cast c WHERE c.oid >= 16384";

static const char other_code[] =
    " UNION ALL SELECT 'pg_transform'::regclass, t.oid, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " NULL, concat('\1FROM SQL ' || NULLIF(t.trffromsql, 0)::regprocedure,"
    " '\1TO SQL ' || NULLIF(t.trftosql, 0)::regprocedure) FROM pg_transform t"

    " UNION ALL SELECT 'pg_language'::regclass, l.oid, NULL, NULL, NULL, NULL, l.lanowner, 'l',"
    " l.lanacl, NULL, concat(CASE WHEN l.lanpltrusted THEN '\1TRUSTED' END,"
    " '\1HANDLER ' || NULLIF(l.lanplcallfoid, 0)::regproc,"
    " '\1INLINE ' || NULLIF(l.laninline, 0)::regproc,"
    " '\1VALIDATOR ' || NULLIF(l.lanvalidator, 0)::regproc)"
    " FROM pg_language l WHERE l.oid >= 16384"

    " UNION ALL SELECT 'pg_event_trigger'::regclass, e.oid, NULL, NULL, NULL, NULL, e.evtowner,"
    " NULL, NULL, NULL, concat_ws(' ', '\1ON', e.evtevent, 'WHEN TAG IN (' ||"
    " array_to_string(e.evttags, ', ') || ')', 'EXECUTE', e.evtfoid::regproc, CASE e.evtenabled"
    " WHEN 'D' THEN 'DISABLED' WHEN 'R' THEN 'ENABLED REPLICA' WHEN 'A' THEN 'ENABLED ALWAYS' END)"
    " FROM pg_event_trigger e";

const char *const inlay_catalog_code[] = {functions, operators, other_code, NULL};
