/* --migrate-verify: asks whether what is applied is still as its verify scripts say. Only reads. */
#include "verbs/verify.h"

#include "report/say.h"
#include "writing/text.h"

/* "2 verify scripts hold (3 ms); 1 migration has none" */
static void say_verified(struct cli *cli, const struct inlay_verification *verification)
{
    struct buffer line = {0};
    inlay_cli_text_count(&line, verification->verified, "verify script");
    inlay_cli_buffer_text(&line, verification->verified == 1 ? " holds (" : " hold (");
    inlay_cli_text_duration(&line, verification->elapsed_ms);
    inlay_cli_buffer_text(&line, ")");
    if (verification->unverified > 0) {
        inlay_cli_buffer_text(&line, "; ");
        inlay_cli_text_count(&line, verification->unverified, "applied migration");
        inlay_cli_buffer_text(&line, verification->unverified == 1 ? " has none" : " have none");
    }
    inlay_cli_say(cli, &line);
}

void inlay_cli_verify(struct cli *cli, struct answer *answer)
{
    answer->code = inlay_verify(cli->set, &cli->options, &answer->verification, &answer->error);
    if (answer->code == INLAY_OK)
        say_verified(cli, &answer->verification);
}

void inlay_cli_verify_json(struct json *json, const struct cli *cli, const struct answer *answer)
{
    (void)cli;
    inlay_cli_json_number(json, "verified", (int64_t)answer->verification.verified);
    inlay_cli_json_number(json, "failed", (int64_t)answer->verification.failed);
    inlay_cli_json_number(json, "unverified", (int64_t)answer->verification.unverified);
}
