/* A server that carries its schema: --migrate-* on its command line, and migrating at boot. */
#include <inlay-cli.h>
#include <stdio.h>

extern const struct inlay_set notes_migrations;

int main(int argc, char **argv)
{
    struct inlay_cli_outcome outcome;
    struct inlay_error err;

    if (inlay_cli(&argc, argv, &notes_migrations, &outcome))
        return outcome.exit_status;
    if (inlay_migrate(&notes_migrations, &outcome.options, NULL, &err) != INLAY_OK) {
        char text[INLAY_ERROR_TEXT_MAX];
        inlay_error_format(&err, text, sizeof text);
        fputs(text, stderr);
        return 1;
    }
    puts("the schema is up to date; here the server would serve");
    return 0;
}
