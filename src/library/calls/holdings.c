/* The query that lists what a reset would drop, and what the role may not drop. */
#include "calls/holdings.h"
#include "history/sql.h"

const char inlay_holdings_sql[] =
    "WITH me AS (SELECT r.oid AS role, d.oid AS db FROM pg_catalog.pg_roles AS r,"
    " pg_catalog.pg_database AS d WHERE r.rolname" EQ "current_user AND d.datname" EQ
    "pg_catalog.current_database()), e AS (SELECT x.*, x.extowner" EQ
    "me.role AND NOT x.extnamespace" EQ
    "'pg_catalog'::pg_catalog.regnamespace AS own FROM pg_catalog.pg_extension AS x,"
    " me), s AS (SELECT n.*, n.nspname" EQ "'public' OR NOT n.owned OR EXISTS (SELECT FROM e"
    " WHERE e.extnamespace" EQ "n.oid AND NOT e.own) AS stays FROM (SELECT n.oid, n.nspname,"
    " pg_catalog.pg_has_role(n.nspowner, 'USAGE') AS owned FROM pg_catalog.pg_namespace AS n"
    " WHERE NOT n.nspname" EQ "'information_schema'"
    " AND NOT pg_catalog.left(n.nspname::pg_catalog.text, 3)" EQ "'pg_'"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS m WHERE m.classid" EQ
    "'pg_catalog.pg_namespace'::pg_catalog.regclass AND m.objid" EQ "n.oid AND m.deptype" EQ
    "'e')) AS n)"

    " SELECT q.text, q.type, q.name, q.rows, q.obstacle FROM (SELECT 1 AS turn,"
    " pg_catalog.format('DROP %s IF EXISTS %s CASCADE', pg_catalog.replace("
    "pg_catalog.replace(i.type, 'aggregate', 'routine'), ' object', ''), i.identity) AS text, "
    "i.type,"
    " s.nspname AS name, CASE WHEN c.relkind" EQ "ANY ('{r,m}'::pg_catalog.\"char\"[]) THEN"
    " GREATEST(c.reltuples::bigint, pg_catalog.pg_stat_get_live_tuples(c.oid), 0) END AS rows,"
    " CASE WHEN NOT s.owned AND NOT pg_catalog.pg_has_role(o.owner, 'USAGE') THEN"
    " pg_catalog.format('%s %s (owned by %I)', i.type, i.identity,"
    " pg_catalog.pg_get_userbyid(o.owner)) END AS obstacle"
    " FROM s JOIN pg_catalog.pg_depend AS d ON d.refclassid" EQ
    "'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid" EQ "s.oid AND d.deptype" EQ
    "'n' AND NOT d.classid" EQ "'pg_catalog.pg_extension'::pg_catalog.regclass CROSS JOIN me"
    " LEFT JOIN pg_catalog.pg_shdepend AS h ON h.dbid" EQ "me.db AND h.classid" EQ
    "d.classid AND h.objid" EQ "d.objid AND h.deptype" EQ "'o'"
    " CROSS JOIN LATERAL (SELECT COALESCE(h.refobjid, 10::pg_catalog.oid) AS owner) AS o"
    " LEFT JOIN pg_catalog.pg_class AS c ON d.classid" EQ
    "'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid" EQ "d.objid"
    " CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) AS i"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS m WHERE m.classid" EQ
    "d.classid AND m.objid" EQ "d.objid AND m.objsubid" EQ "0 AND (m.deptype" EQ
    "ANY ('{e,i}'::pg_catalog.\"char\"[]) OR (m.deptype" EQ "'a' AND m.refobjsubid"
    " OPERATOR(pg_catalog.>) 0)))"

    " UNION ALL SELECT 2, pg_catalog.format('DROP %s IF EXISTS %I CASCADE', b.type, b.name),"
    " b.type, b.name, NULL, NULL FROM"
    " (SELECT 'publication' AS type, p.pubname AS name, p.pubowner AS owner"
    " FROM pg_catalog.pg_publication AS p UNION ALL SELECT 'server', f.srvname, f.srvowner"
    " FROM pg_catalog.pg_foreign_server AS f) AS b, me WHERE b.owner" EQ "me.role"

    " UNION ALL SELECT 3, pg_catalog.format('DROP EXTENSION IF EXISTS %s', x.list),"
    " 'extension', x.list, NULL, NULL FROM (SELECT pg_catalog.string_agg("
    "pg_catalog.quote_ident(e.extname::pg_catalog.text), ', ') AS list FROM e WHERE e.own) AS x"
    " WHERE x.list IS NOT NULL"

    " UNION ALL SELECT 4, CASE WHEN NOT s.stays THEN pg_catalog.format('DROP SCHEMA IF EXISTS %I',"
    " s.nspname) END, 'schema', s.nspname, NULL, CASE WHEN NOT s.stays AND NOT"
    " pg_catalog.has_database_privilege(me.db, 'CREATE') THEN pg_catalog.format("
    "'schema %I (to make it again takes CREATE on the database)', s.nspname) END FROM s, me"

    " UNION ALL SELECT 5, NULL, 'subscription', u.subname, NULL,"
    " pg_catalog.format('subscription %I (end it first)', u.subname)"
    " FROM pg_catalog.pg_subscription AS u, me WHERE u.subdbid" EQ "me.db) AS q"
    " ORDER BY q.turn, q.name, q.text";
