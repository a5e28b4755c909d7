/* The questions to the catalogs whose answers make the text of a schema. */
#ifndef INLAY_CATALOG_H
#define INLAY_CATALOG_H

/* Each is several SELECTs with UNION ALL, in pieces that follow each other; NULL ends it. A row for
 * each object:
 *
 *     class, oid        of the object
 *     home_class, home  of the object that it is a part of, or NULL
 *     part              of a part: what it is, and its name; or NULL
 *     named             the whole identity, where it is not as pg_identify_object has it; or NULL
 *     owner, kind       its owner, the kind of its default privileges; or NULL
 *     acl, standard     its privileges, and those it has to begin with (NULL: as acldefault says)
 *     def               its definition: lines, each begun with a mark
 *
 * The mark \1 begins a line that is the same on every server; \2 one that servers of other major
 * versions may write otherwise, because they print a parsed expression. concat() leaves a line that
 * is NULL out.
 *
 * All versions of PostgreSQL answer the same texts: a column that not all of them have is read as a
 * member of the row's JSON. They are read with the search_path pg_catalog alone; `b` is a row with
 * the role that owns the history. */
extern const char *const inlay_catalog_tables[];
extern const char *const inlay_catalog_parts[];
extern const char *const inlay_catalog_code[];
extern const char *const inlay_catalog_types[];
extern const char *const inlay_catalog_others[];

/* A role, but for the owner of the history, which has another name on each machine. */
#define CATALOG_ROLE(oid)                                                                          \
    "CASE " oid " WHEN 0 THEN 'PUBLIC' WHEN b.role THEN 'OWNER'"                                   \
    " ELSE quote_ident(pg_get_userbyid(" oid ")) END"

/* Options as name=value, sorted; a value that may be a secret is left out. */
#define CATALOG_OPTIONS(options)                                                                   \
    "(SELECT 'OPTIONS (' || string_agg(CASE WHEN split_part(o, '=', 1)"                            \
    " ~* 'pass|secret|token|credential' THEN split_part(o, '=', 1) ELSE o END, ', '"               \
    " ORDER BY o COLLATE \"C\") || ')' FROM unnest(" options ") AS o)"

/* What differs from the privileges that such an object has to begin with. An owner's own are
 * granted by himself. ALL, because a table has one privilege more from 17 on. */
#define CATALOG_PRIVILEGES(mark, acl, kind, owner, standard)                                       \
    "CASE WHEN " acl " IS NOT NULL THEN (SELECT string_agg('" mark "' || t.line, ''"               \
    " ORDER BY t.line COLLATE \"C\") FROM (SELECT concat(p.verb, ' ', CASE WHEN " kind " = 'r'"    \
    " AND count(*) = (SELECT count(*) FROM aclexplode(acldefault('r', 10::oid))) THEN 'ALL' ELSE"  \
    " string_agg(p.privilege, ', ' ORDER BY p.privilege) END, CASE p.verb WHEN 'GRANT' THEN"       \
    " ' TO ' ELSE ' FROM ' END, " CATALOG_ROLE(                                                    \
        "p.grantee") ", CASE WHEN p.again THEN"                                                    \
                     " ' WITH GRANT OPTION' END) AS line FROM (SELECT CASE WHEN n.grants IS NULL " \
                     "THEN 'REVOKE'"                                                               \
                     " ELSE 'GRANT' END AS verb, grantee, privilege, n.again FROM (SELECT CASE "   \
                     "grantee"                                                                     \
                     " WHEN grantor THEN " owner                                                   \
                     " ELSE grantee END AS grantee, privilege_type AS privilege,"                  \
                     " true AS grants, bool_or(is_grantable AND grantee <> grantor) AS again"      \
                     " FROM aclexplode(" acl                                                       \
                     ") GROUP BY 1, 2) AS n FULL JOIN (SELECT DISTINCT CASE grantee"               \
                     " WHEN grantor THEN " owner                                                   \
                     " ELSE grantee END AS grantee, privilege_type AS privilege,"                  \
                     " true AS begins FROM aclexplode(" standard                                   \
                     ")) AS s USING (grantee, privilege)"                                          \
                     " WHERE n.grants IS NULL OR s.begins IS NULL) AS p GROUP BY p.verb, "         \
                     "p.grantee, p.again)"                                                         \
                     " AS t) END"

#endif
