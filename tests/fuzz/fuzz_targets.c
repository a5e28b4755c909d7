/* A list of targets: each line of the input is one of the list. */
#include "fuzz.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "targets/list.h"

static bool is_printable(const char *text)
{
    for (; *text; text++) {
        if (iscntrl((unsigned char)*text))
            return false;
    }
    return true;
}

static bool has_password(const char *conninfo)
{
    for (; *conninfo; conninfo++) {
        if (strncasecmp(conninfo, "password=", 9) == 0)
            return true;
    }
    return false;
}

/* What is printed of it is one line, and no password; what is asked of the server is a schema. */
static void require_target(const struct inlay_many_target *target)
{
    fuzz_require(target->name && target->name[0] && is_printable(target->name), "it has a name");
    fuzz_require(target->schema || target->conninfo, "it leads somewhere");
    fuzz_require(!target->schema || (target->schema[0] && strlen(target->schema) < 64 &&
                                     !strpbrk(target->schema, ".,\"")),
                 "a schema can be in a search path");
    if (target->conninfo && strcmp(target->name, target->conninfo) == 0)
        fuzz_require(!has_password(target->name), "a name has no password");
}

static void require_refused(const struct answer *answer)
{
    fuzz_require(answer->code == INLAY_E_ARGUMENT && answer->error.message[0] != '\0',
                 "what is refused has a reason");
    fuzz_require_secrecy(answer->error.message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};
    struct list list = {.source = "list"};
    struct answer answer = {0};
    bool good = true;

    for (size_t number = 1; good && input.left > 0; number++) {
        char *line = fuzz_line(&input);
        good = inlay_cli_list_add_line(&list, number, line, &answer);
        free(line);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.targets[i].name)
            require_target(&list.targets[i]);
    }
    good = good && inlay_cli_list_check(&list, &answer);
    if (!good)
        require_refused(&answer);
    inlay_cli_list_free(&list);
    return 0;
}
