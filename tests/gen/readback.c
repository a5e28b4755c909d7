/* Prints what a generated file holds, one member on a line, bytes in hexadecimal. */
#include <inlay.h>
#include <stdio.h>
#include <string.h>

extern const struct inlay_set app;

static void print_bytes(const char *what, const char *bytes, size_t length)
{
    printf("%s ", what);
    for (size_t i = 0; i < length; i++)
        printf("%02x", (unsigned)(unsigned char)bytes[i]);
    printf("\n");
}

static void print_text(const char *what, const char *text)
{
    if (text == NULL)
        printf("%s NULL\n", what);
    else
        print_bytes(what, text, strlen(text));
}

static void print_script(const char *what, const struct inlay_script *script)
{
    if (script->text == NULL) {
        printf("%s NULL\n", what);
        return;
    }
    /* With the NUL behind it. */
    print_bytes(what, script->text, script->length + 1);
    print_text("path", script->path);
    printf("flags %u\n", (unsigned)script->flags);
    if (script->settings == NULL)
        printf("settings NULL\n");
    else
        printf("settings %lld %lld %d\n", (long long)script->settings->lock_timeout_ms,
               (long long)script->settings->statement_timeout_ms,
               (int)script->settings->isolation);
    printf("function %d\n", script->function != NULL);
    if (script->statements == NULL)
        printf("statements NULL\n");
    for (size_t i = 0; i < script->statement_count; i++) {
        const struct inlay_statement *s = &script->statements[i];

        printf("statement %zu %zu %u %d\n", s->offset, s->length, (unsigned)s->line, (int)s->kind);
        print_text("index", s->index);
        print_text("table", s->table);
    }
}

static void print_range(const struct inlay_range *range)
{
    if (range == NULL)
        return;
    printf("replaces %lld %lld\n", (long long)range->first, (long long)range->last);
    if (range->versions == NULL)
        printf("replaced NULL\n");
    for (size_t i = 0; i < range->version_count; i++)
        printf("replaced %lld\n", (long long)range->versions[i]);
}

static void print_migration(const char *what, const struct inlay_migration *m)
{
    printf("%s %lld\n", what, (long long)m->version);
    print_text("name", m->name);
    print_text("sha256", m->sha256);
    printf("body %s\n", m->body == m->up.text ? "up" : "other");
    print_script("up", &m->up);
    print_script("down", &m->down);
    print_range(m->replaces);
}

int main(void)
{
    printf("abi %u\n", (unsigned)app.abi);
    print_text("directory", app.directory);
    print_text("history", app.history);
    print_text("digest", app.digest);
    if (app.migrations == NULL)
        printf("migrations NULL\n");
    for (size_t i = 0; i < app.migration_count; i++)
        print_migration("migration", &app.migrations[i]);
    for (size_t i = 0; i < app.repeatable_count; i++)
        print_migration("repeatable", &app.repeatables[i]);
    return 0;
}
