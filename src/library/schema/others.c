/* What the catalogs say of what lies in no schema: schemas, extensions, publications, foreign
 * servers, default privileges. */
#include "schema/catalog.h"

#include <stddef.h>

/* The owner of public, and the right to create in it, come with the database. */
static const char schemas[] =
    " UNION ALL SELECT 'pg_namespace'::regclass, n.oid, NULL, NULL, NULL, NULL,"
    " CASE WHEN n.oid <> 2200 OR n.nspowner >= 16384 THEN n.nspowner END, 'n', n.nspacl,"
    " CASE n.oid WHEN 2200 THEN (SELECT i.initprivs FROM pg_init_privs i"
    " WHERE i.classoid = 'pg_namespace'::regclass AND i.objoid = n.oid) END, ''"
    " FROM pg_namespace n WHERE NOT starts_with(n.nspname, 'pg_')"

    " UNION ALL SELECT 'pg_extension'::regclass, e.oid, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " NULL, concat('\1SCHEMA ', e.extnamespace::regnamespace, '\2VERSION ', e.extversion)"
    " FROM pg_extension e";

/* Of tables with some of their columns, and those of a schema, from 15 on. The number of a column
 * is its place among all, dropped ones included. pg_publication_tables has the condition as text.
 * The catalog of published schemas is not there before 15, but pg_depend is. */
static const char publications[] =
    " UNION ALL SELECT 'pg_publication'::regclass, p.oid, NULL, NULL, NULL, NULL, p.pubowner, NULL,"
    " NULL, NULL, concat('\1PUBLISH ', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END,"
    " CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END,"
    " CASE WHEN p.pubtruncate THEN 'truncate' END),"
    " CASE WHEN p.pubviaroot THEN '\1VIA PARTITION ROOT' END,"
    " CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN '\1GENERATED COLUMNS stored' END,"
    " CASE WHEN p.puballtables THEN '\1FOR ALL TABLES' END,"
    " (SELECT string_agg('\1TABLES IN SCHEMA ' || s.refobjid::regnamespace, '' ORDER BY"
    " s.refobjid::regnamespace::text COLLATE \"C\") FROM pg_depend d JOIN pg_depend s ON s.classid"
    " = d.classid AND s.objid = d.objid AND s.refclassid = 'pg_namespace'::regclass"
    " WHERE d.classid = to_regclass('pg_catalog.pg_publication_namespace')"
    " AND d.refclassid = 'pg_publication'::regclass AND d.refobjid = p.oid),"
    " (SELECT string_agg(concat(concat_ws(' ', '\1TABLE', r.prrelid::regclass,"
    " (SELECT '(' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')'"
    " FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum::text = ANY (string_to_array("
    "btrim(regexp_replace(to_jsonb(r) ->> 'prattrs', '[^0-9]+', ' ', 'g')), ' ')))),"
    " (SELECT '\2    WHERE ' || (to_jsonb(v) ->> 'rowfilter') FROM pg_publication_tables v"
    " JOIN pg_class c ON c.relname = v.tablename JOIN pg_namespace n ON n.oid = c.relnamespace"
    " AND n.nspname = v.schemaname WHERE v.pubname = p.pubname AND c.oid = r.prrelid)), ''"
    " ORDER BY r.prrelid::regclass::text COLLATE \"C\") FROM pg_publication_rel r"
    " WHERE r.prpubid = p.oid)) FROM pg_publication p";

/* The options of a user mapping are names and passwords. */
static const char foreign[] =
    " UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, NULL, NULL, NULL, NULL,"
    " w.fdwowner, 'F', w.fdwacl, NULL, concat('\1HANDLER ' || NULLIF(w.fdwhandler, 0)::regproc,"
    " '\1VALIDATOR ' || NULLIF(w.fdwvalidator, 0)::regproc, '\1'"
    " || " CATALOG_OPTIONS(
        "w.fdwoptions") ") FROM pg_foreign_data_wrapper w"

                        " UNION ALL SELECT 'pg_foreign_server'::regclass, s.oid, NULL, NULL, NULL, "
                        "NULL, s.srvowner,"
                        " 'S', s.srvacl, NULL, concat('\1WRAPPER ', quote_ident(w.fdwname),"
                        " '\1TYPE ' || quote_literal(s.srvtype), '\1VERSION ' || "
                        "quote_literal(s.srvversion), '\1'"
                        " || " CATALOG_OPTIONS(
                            "s.srvoptions") ")"
                                            " FROM pg_foreign_server s JOIN "
                                            "pg_foreign_data_wrapper w ON w.oid = s.srvfdw"

                                            " UNION ALL SELECT 'pg_user_mapping'::regclass, "
                                            "u.umid, 'pg_foreign_server'::regclass, u.srvid,"
                                            " 'user mapping for ' || " CATALOG_ROLE(
                                                "u.umuser") ", NULL, NULL, NULL, NULL, NULL, ''"
                                                            " FROM b, pg_user_mappings u";

static const char defaults[] =
    " UNION ALL SELECT 'pg_default_acl'::regclass, d.oid, NULL, NULL, NULL,"
    " concat_ws(' ', 'default privileges for', " CATALOG_ROLE(
        "d.defaclrole") ", 'in schema ' ||"
                        " NULLIF(d.defaclnamespace, 0)::regnamespace, 'on', CASE d.defaclobjtype "
                        "WHEN 'r' THEN 'tables'"
                        " WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN "
                        "'types' WHEN 'n' THEN"
                        " 'schemas' WHEN 'L' THEN 'large objects' END), d.defaclrole, CASE "
                        "d.defaclobjtype"
                        " WHEN 'S' THEN 's' ELSE d.defaclobjtype END::\"char\", d.defaclacl,"
                        " CASE WHEN d.defaclnamespace <> 0 THEN acldefault('c', d.defaclrole) END, "
                        "'' FROM b, "
                        "pg_default_acl d";

const char *const inlay_catalog_others[] = {schemas, publications, foreign, defaults, NULL};
