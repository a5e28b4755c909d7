/* What the catalogs say of the parts of tables, views and domains: indexes, constraints, triggers,
 * rules, policies, extended statistics. */
#include "schema/catalog.h"

#include <stddef.h>

/* What an index has besides its definition. */
#define INDEX_STATE                                                                                \
    "(SELECT '\1TABLESPACE ' || quote_ident(s.spcname) FROM pg_tablespace s"                       \
    " WHERE s.oid = i.reltablespace), CASE WHEN NOT x.indisvalid THEN '\1INVALID' END,"            \
    " CASE WHEN x.indisclustered THEN '\1CLUSTER' END,"                                            \
    " CASE WHEN x.indisreplident THEN '\1REPLICA IDENTITY' END,"                                   \
    " (SELECT '\1PARTITION OF ' || h.inhparent::regclass FROM pg_inherits h"                       \
    " WHERE h.inhrelid = i.oid), (SELECT string_agg(concat('\1STATISTICS ', a.attnum, ' ',"        \
    " a.attstattarget), '' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = i.oid"        \
    " AND a.attnum > 0 AND a.attstattarget >= 0)"

#define ENABLED(column)                                                                            \
    "CASE " column " WHEN 'D' THEN '\1DISABLED' WHEN 'R' THEN '\1ENABLED REPLICA'"                 \
    " WHEN 'A' THEN '\1ENABLED ALWAYS' END"

/* The index of a constraint is a part of that. */
static const char indexes[] =
    " UNION ALL SELECT 'pg_class'::regclass, i.oid, 'pg_class'::regclass, x.indrelid,"
    " 'index ' || quote_ident(i.relname), NULL, NULL, NULL, NULL, NULL,"
    " concat(CASE WHEN x.indexprs IS NULL AND x.indpred IS NULL THEN '\1' ELSE '\2' END,"
    " pg_get_indexdef(i.oid), " INDEX_STATE ")"
    " FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid WHERE i.relpersistence <> 't'"
    " AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.conrelid ="
    " x.indrelid AND k.contype = ANY ('{p,u,x}'))";

static const char constraints[] =
    " UNION ALL SELECT 'pg_constraint'::regclass, k.oid, CASE k.conrelid WHEN 0 THEN"
    " 'pg_type'::regclass ELSE 'pg_class'::regclass END, COALESCE(NULLIF(k.conrelid, 0),"
    " k.contypid), 'constraint ' || quote_ident(k.conname), NULL, NULL, NULL, NULL, NULL,"
    " concat(CASE WHEN k.contype = 'c' OR x.indexprs IS NOT NULL OR x.indpred IS NOT NULL"
    " THEN '\2' ELSE '\1' END, pg_get_constraintdef(k.oid),"
    " '\1WITH (' || array_to_string(i.reloptions, ', ') || ')', " INDEX_STATE ","
    " CASE WHEN k.contype = 'f' AND EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid"
    " AND g.tgenabled <> 'O') THEN '\1TRIGGERS DISABLED' END)"
    " FROM pg_constraint k LEFT JOIN (pg_class i JOIN pg_index x ON x.indexrelid = i.oid)"
    " ON i.oid = k.conindid AND k.contype = ANY ('{p,u,x}')"
    " WHERE k.contype = ANY ('{c,f,p,u,x}')";

/* The trigger of a partition follows that of its parent, unless it was enabled or disabled. */
static const char other_parts[] =
    " UNION ALL SELECT 'pg_trigger'::regclass, g.oid, 'pg_class'::regclass, g.tgrelid,"
    " 'trigger ' || quote_ident(g.tgname), NULL, NULL, NULL, NULL, NULL,"
    " concat(CASE WHEN g.tgqual IS NULL THEN '\1' ELSE '\2' END, pg_get_triggerdef(g.oid),"
    " " ENABLED(
        "g.tgenabled") ")"
                       " FROM pg_trigger g LEFT JOIN pg_trigger u ON u.oid = g.tgparentid"
                       " WHERE (NOT g.tgisinternal AND g.tgparentid = 0) OR g.tgenabled <> "
                       "u.tgenabled"

                       " UNION ALL SELECT 'pg_rewrite'::regclass, w.oid, 'pg_class'::regclass, "
                       "w.ev_class,"
                       " 'rule ' || quote_ident(w.rulename), NULL, NULL, NULL, NULL, NULL,"
                       " concat('\2', pg_get_ruledef(w.oid), " ENABLED(
                           "w.ev_enabled") ")"
                                           " FROM pg_rewrite w WHERE w.rulename <> '_RETURN'"

                                           " UNION ALL SELECT 'pg_policy'::regclass, p.oid, "
                                           "'pg_class'::regclass, p.polrelid,"
                                           " 'policy ' || quote_ident(p.polname), NULL, NULL, "
                                           "NULL, NULL, NULL,"
                                           " concat('\1', concat_ws(' ', CASE WHEN p.polpermissive "
                                           "THEN 'PERMISSIVE' ELSE 'RESTRICTIVE'"
                                           " END, 'FOR', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN "
                                           "'a' THEN 'INSERT' WHEN 'w' THEN"
                                           " 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END, 'TO', "
                                           "(SELECT string_agg(r.name, ', '"
                                           " ORDER BY r.name COLLATE \"C\") FROM "
                                           "(SELECT " CATALOG_ROLE(
                                               "u.oid") " AS name"
                                                        " FROM unnest(p.polroles) AS u (oid)) AS "
                                                        "r)),"
                                                        " '\2USING (' || pg_get_expr(p.polqual, "
                                                        "p.polrelid) || ')',"
                                                        " '\2WITH CHECK (' || "
                                                        "pg_get_expr(p.polwithcheck, p.polrelid) "
                                                        "|| ')')"
                                                        " FROM b, pg_policy p"

                                                        /* On expressions from 14 on. */
                                                        " UNION ALL SELECT "
                                                        "'pg_statistic_ext'::regclass, s.oid, "
                                                        "'pg_class'::regclass, s.stxrelid,"
                                                        " 'statistics ' || "
                                                        "s.stxnamespace::regnamespace || '.' || "
                                                        "quote_ident(s.stxname), NULL,"
                                                        " s.stxowner, NULL, NULL, NULL,"
                                                        " concat(CASE WHEN to_jsonb(s) ->> "
                                                        "'stxexprs' IS NULL THEN '\1' ELSE '\2' "
                                                        "END,"
                                                        " pg_get_statisticsobjdef(s.oid),"
                                                        " CASE WHEN s.stxstattarget >= 0 THEN "
                                                        "'\1STATISTICS ' || s.stxstattarget END)"
                                                        " FROM pg_statistic_ext s";

const char *const inlay_catalog_parts[] = {indexes, constraints, other_parts, NULL};
