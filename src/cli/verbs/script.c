/* --migrate-script: prints what a run would do, for psql. Changes nothing. */
#include "verbs/script.h"

void inlay_cli_script(struct cli *cli, struct answer *answer)
{
    struct inlay_span span;
    bool given = cli->argument.text != NULL;
    if (given)
        inlay_cli_argument_span(cli->argument, &span.from, &span.to);
    answer->code = inlay_psql_script(cli->set, &cli->options, given ? &span : NULL, &answer->script,
                                     &answer->error);
}

void inlay_cli_script_text(struct buffer *out, const struct cli *cli, const struct answer *answer)
{
    (void)cli;
    inlay_cli_buffer_text(out, answer->script);
}

void inlay_cli_script_json(struct json *json, const struct cli *cli, const struct answer *answer)
{
    (void)cli;
    if (answer->script)
        inlay_cli_json_text(json, "script", answer->script);
}
