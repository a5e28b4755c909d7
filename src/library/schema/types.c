/* What the catalogs say of types other than composite ones, and of collations, conversions, text
 * search and access methods. */
#include "schema/catalog.h"

#include <stddef.h>

#define BASE_TYPE                                                                                  \
    "CASE WHEN t.typtype = 'b' THEN concat_ws(' ', '\1INPUT', t.typinput, 'OUTPUT', t.typoutput,"  \
    " 'RECEIVE ' || NULLIF(t.typreceive, 0)::regproc, 'SEND ' || NULLIF(t.typsend, 0)::regproc,"   \
    " 'TYPMOD_IN ' || NULLIF(t.typmodin, 0)::regproc,"                                             \
    " 'TYPMOD_OUT ' || NULLIF(t.typmodout, 0)::regproc,"                                           \
    " 'ANALYZE ' || NULLIF(t.typanalyze, 0)::regproc, 'LENGTH', t.typlen, CASE WHEN t.typbyval"    \
    " THEN 'PASSEDBYVALUE' END, 'ALIGNMENT', t.typalign, 'STORAGE', t.typstorage, 'CATEGORY',"     \
    " quote_literal(t.typcategory::text), CASE WHEN t.typispreferred THEN 'PREFERRED' END,"        \
    " 'DELIMITER ' || quote_literal(NULLIF(t.typdelim::text, ',')),"                               \
    " 'ELEMENT ' || NULLIF(t.typelem, 0)::regtype,"                                                \
    " CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE' END) END"

#define RANGE_TYPE                                                                                 \
    "(SELECT concat_ws(' ', '\1RANGE OVER', r.rngsubtype::regtype,"                                \
    " CASE WHEN NOT s.opcdefault THEN 'OPCLASS ' || quote_ident(s.opcname) END,"                   \
    " 'COLLATE ' || NULLIF(r.rngcollation, u.typcollation)::regcollation,"                         \
    " 'CANONICAL ' || NULLIF(r.rngcanonical, 0)::regproc,"                                         \
    " 'SUBTYPE_DIFF ' || NULLIF(r.rngsubdiff, 0)::regproc) FROM pg_range r"                        \
    " JOIN pg_opclass s ON s.oid = r.rngsubopc JOIN pg_type u ON u.oid = r.rngsubtype"             \
    " WHERE r.rngtypid = t.oid)"

static const char types[] =
    " UNION ALL SELECT 'pg_type'::regclass, t.oid, NULL, NULL, NULL, NULL, t.typowner, 'T',"
    " t.typacl, NULL,"
    " concat(CASE t.typtype WHEN 'e' THEN '\1ENUM' WHEN 'p' THEN '\1SHELL' END,"
    " (SELECT string_agg('\1' || quote_literal(e.enumlabel), '' ORDER BY e.enumsortorder)"
    " FROM pg_enum e WHERE e.enumtypid = t.oid), " BASE_TYPE ", " RANGE_TYPE ","
    " (SELECT concat_ws(' ', '\1DOMAIN OVER', format_type(t.typbasetype, t.typtypmod),"
    " 'COLLATE ' || NULLIF(t.typcollation, o.typcollation)::regcollation,"
    " CASE WHEN t.typnotnull THEN 'NOT NULL' END) FROM pg_type o WHERE o.oid = t.typbasetype),"
    " '\2DEFAULT ' || t.typdefault)"
    " FROM pg_type t WHERE t.typtype = ANY ('{b,d,e,r,p}') AND t.oid >= 16384"
    " AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)";

/* The name of an ICU locale has had three columns. */
static const char text_search[] =
    " UNION ALL SELECT 'pg_collation'::regclass, c.oid, NULL, NULL, NULL, NULL, c.collowner, NULL,"
    " NULL, NULL, concat_ws(' ', '\1' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'c' THEN"
    " 'libc' WHEN 'b' THEN 'builtin' ELSE c.collprovider::text END, quote_literal(COALESCE("
    "j.c ->> 'colllocale', j.c ->> 'colliculocale', j.c ->> 'collcollate')),"
    " quote_literal(NULLIF(j.c ->> 'collctype', j.c ->> 'collcollate')),"
    " 'RULES ' || quote_literal(j.c ->> 'collicurules'),"
    " CASE WHEN NOT c.collisdeterministic THEN 'NOT DETERMINISTIC' END) FROM pg_collation c"
    " CROSS JOIN LATERAL (SELECT to_jsonb(c) AS c OFFSET 0) AS j WHERE c.oid >= 16384"

    " UNION ALL SELECT 'pg_conversion'::regclass, c.oid, NULL, NULL, NULL, NULL, c.conowner, NULL,"
    " NULL, NULL, concat('\1', CASE WHEN c.condefault THEN 'DEFAULT ' END, concat_ws(' ', 'FOR',"
    " pg_encoding_to_char(c.conforencoding), 'TO', pg_encoding_to_char(c.contoencoding),"
    " 'FUNCTION', c.conproc)) FROM pg_conversion c WHERE c.oid >= 16384"

    " UNION ALL SELECT 'pg_ts_config'::regclass, c.oid, NULL, NULL, NULL, NULL, c.cfgowner, NULL,"
    " NULL, NULL, concat((SELECT '\1PARSER ' || p.prsnamespace::regnamespace || '.' ||"
    " quote_ident(p.prsname) FROM pg_ts_parser p WHERE p.oid = c.cfgparser),"
    " (SELECT string_agg(m.line, '' ORDER BY m.line COLLATE \"C\") FROM (SELECT"
    " concat('\1', k.alias, ' WITH ', string_agg(x.mapdict::regdictionary::text, ', ' ORDER BY"
    " x.mapseqno)) AS line FROM pg_ts_config_map x JOIN ts_token_type(c.cfgparser) AS k"
    " ON k.tokid = x.maptokentype WHERE x.mapcfg = c.oid GROUP BY k.alias) AS m))"
    " FROM pg_ts_config c WHERE c.oid >= 16384"

    " UNION ALL SELECT 'pg_ts_dict'::regclass, d.oid, NULL, NULL, NULL, NULL, d.dictowner, NULL,"
    " NULL, NULL, (SELECT concat_ws(' ', '\1TEMPLATE', t.tmplnamespace::regnamespace ||"
    " '.' || quote_ident(t.tmplname), d.dictinitoption) FROM pg_ts_template t"
    " WHERE t.oid = d.dicttemplate) FROM pg_ts_dict d WHERE d.oid >= 16384"

    " UNION ALL SELECT 'pg_ts_parser'::regclass, p.oid, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " NULL, concat_ws(' ', '\1START', p.prsstart, 'GETTOKEN', p.prstoken, 'END', p.prsend,"
    " 'LEXTYPES', p.prslextype, 'HEADLINE ' || NULLIF(p.prsheadline, 0)::regproc)"
    " FROM pg_ts_parser p WHERE p.oid >= 16384"

    " UNION ALL SELECT 'pg_ts_template'::regclass, t.oid, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " NULL, concat_ws(' ', '\1LEXIZE', t.tmpllexize, 'INIT ' || NULLIF(t.tmplinit, 0)::regproc)"
    " FROM pg_ts_template t WHERE t.oid >= 16384"

    " UNION ALL SELECT 'pg_am'::regclass, m.oid, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " concat('\1TYPE ', CASE m.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END, ' HANDLER ',"
    " m.amhandler) FROM pg_am m WHERE m.oid >= 16384";

const char *const inlay_catalog_types[] = {types, text_search, NULL};
