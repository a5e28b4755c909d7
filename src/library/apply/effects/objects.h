/* What is in the database, as far as a migration can change it for those who use it: relations,
 * columns, indexes, constraints, triggers, functions, types. A list that is kept in order. */
#ifndef INLAY_OBJECTS_H
#define INLAY_OBJECTS_H

#include <inlay-set.h>
#include <libpq-fe.h>

/* The columns of an answer, which has the order of the first three. */
enum {
    OBJECT_CLASS,
    OBJECT_OID,
    OBJECT_SUB,
    OBJECT_RELATION,
    OBJECT_STORED,
    OBJECT_FLAG,
    OBJECT_DEFAULT,
    OBJECT_KIND, /* from here on texts */
    OBJECT_LOCAL,
    OBJECT_NAME,
    OBJECT_TABLE,
    OBJECT_VALUE,
    OBJECT_COLUMNS
};

/* Classes. A relation is everything in pg_class, indexes too. */
#define OBJECT_IS_RELATION 'r'
#define OBJECT_IS_COLUMN 'a'
#define OBJECT_IS_CONSTRAINT 'c'
#define OBJECT_IS_LABEL 'e' /* of an enum */
#define OBJECT_IS_TYPE 't'  /* enum, domain, range */
#define OBJECT_IS_SCHEMA 'n'

struct object {
    char class;
    uint32_t oid;
    int32_t sub;       /* number of a column; else 0 */
    uint32_t relation; /* that it belongs to: an index to its table, a table to itself; 0: none */
    uint32_t stored;   /* a relation: its file; a column, a function: its type, as a number */
    bool flag;         /* a column: NOT NULL; an index, a constraint: valid */
    bool has_default;
    char *texts; /* all of the following, in one block */
    const char *kind;
    const char *local; /* its own name, with nothing in it that may change of itself */
    const char *name;  /* the whole one */
    const char *table; /* or NULL */
    const char *value; /* type of a column, result of a function, columns of an index; or NULL */
    const struct inlay_migration *made_by; /* of this run; NULL: it was there */
};

/* All zero is an empty one. */
struct objects {
    struct object *list;
    size_t count;
    size_t capacity;
};

/* Appends the rows of an answer. False without memory. */
bool inlay_objects_add(struct objects *objects, const PGresult *result);

struct object *inlay_objects_find(const struct objects *objects, char class, uint32_t oid,
                                  int32_t sub);
struct object *inlay_objects_relation(const struct objects *objects, uint32_t oid);

/* Is it a column, an index, a constraint, a trigger? */
bool inlay_object_is_part(const struct object *object);
bool inlay_object_is_table(const struct object *object);

/* What compares two lists hears of what is different. */
struct comparison {
    const struct objects *known;
    const struct objects *now;
    /* Was this object asked for? Else `now` says nothing about it. */
    bool (*covers)(const struct comparison *comparison, const struct object *object);
    /* `now`: NULL where it is gone. `before`: NULL where it is new. `again`: it is another object
     * in the place of the one before. Sets `made_by` of `now`. */
    void (*differs)(struct comparison *comparison, const struct object *before, struct object *now,
                    bool again);
};

/* Compares, and makes `known` what is now; `now` is empty afterwards. False without memory. */
bool inlay_objects_update(struct comparison *comparison, struct objects *known,
                          struct objects *now);

void inlay_objects_finish(struct objects *objects);

#endif
