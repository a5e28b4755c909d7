/* Writes text for psql: SQL with its parameters put in as literals, and SQL of others as it is. */
#ifndef INLAY_WRITER_H
#define INLAY_WRITER_H

#include "base/builder.h"
#include "wire/exchange.h"

/* Parameters that psql fills in when the script runs. */
#define WRITER_BATCH ":inlay_batch"
#define WRITER_ROLE ":'inlay_role'"
#define WRITER_INTENT ":'inlay_index_intent'"

struct writer {
    struct builder text;
    const char *batch; /* the parameter at this place is WRITER_BATCH, whatever it holds */
};

/* Writes an SQL literal; NULL is the word. */
void inlay_writer_literal(struct writer *writer, const char *text);

/* The same of a text of others. psql puts its variables into all that stands outside of quotes, and
 * has its own idea of where a statement ends: within this literal it leaves everything as it is. */
void inlay_writer_verbatim(struct writer *writer, const char *text, size_t length);

/* A parameter: what psql fills in, or a literal. */
void inlay_writer_parameter(struct writer *writer, const char *value);

/* The text of a statement of ours, with its parameters put in. */
void inlay_writer_message(struct writer *writer, const struct message *message);

/* One statement of ours, with its semicolon. */
void inlay_writer_command(struct writer *writer, const struct message *message);

/* One that answers a row, which psql must not print. */
void inlay_writer_query(struct writer *writer, const struct message *message);

/* A statement of a script: the server says it to psql, which sends it as it came. */
void inlay_writer_statement(struct writer *writer, const struct inlay_script *script, size_t index);

#endif
