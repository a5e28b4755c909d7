/* Takes a part of the targets: by a hash of each name, and the number of this process in an array
 * of jobs. */
#include "targets/part.h"

#include <inttypes.h>
#include <stdlib.h>

#include "words/environment.h"

/* FNV-1a, 64 bits. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return hash;
}

static bool read_number(const char *variable, int64_t otherwise, int64_t *number)
{
    const char *text = inlay_cli_environment(variable);
    char *end;
    *number = otherwise;
    if (!text)
        return true;
    *number = strtoll(text, &end, 10);
    return *end == '\0' && *number >= 0;
}

/* Slurm numbers tasks as its user says, in steps perhaps; Kubernetes from 0. -1: neither does. */
static bool find_index(int64_t *index, int64_t *count)
{
    int64_t task, least, step;
    if (!read_number("JOB_COMPLETION_INDEX", -1, index) || *index >= 0)
        return *index >= 0;
    if (!read_number("SLURM_ARRAY_TASK_ID", -1, &task) || task < 0 ||
        !read_number("SLURM_ARRAY_TASK_MIN", 0, &least) || task < least ||
        !read_number("SLURM_ARRAY_TASK_STEP", 1, &step) || step == 0 ||
        !read_number("SLURM_ARRAY_TASK_COUNT", 0, count))
        return false;
    *index = (task - least) / step;
    return true;
}

static bool settle_part(const struct cli *cli, int64_t *index, int64_t *count,
                        struct answer *answer)
{
    int64_t known = 0;
    inlay_cli_argument_part(cli->part, index, count);
    if (*index > 0)
        return true;
    if (!find_index(index, &known)) {
        inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT,
                              "%spart %s needs JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID; "
                              "elsewhere say which part it is, as in 1%s",
                              cli->prefix, cli->part, cli->part);
        return false;
    }
    if (*index >= *count || (known > 0 && known != *count)) {
        inlay_cli_answer_fail(
            answer, INLAY_E_ARGUMENT,
            "%spart %s: this is job %" PRId64 " from 0%s, so there are not %" PRId64 " parts",
            cli->prefix, cli->part, *index, known > 0 ? " of another number of jobs" : "", *count);
        return false;
    }
    *index += 1;
    return true;
}

/* Those that are not ours go to the end, so that they are freed with the others. */
static void keep_part(struct list *list, uint64_t index, uint64_t count)
{
    list->ours = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (hash_name(list->targets[i].name) % count + 1 != index)
            continue;
        struct inlay_many_target other = list->targets[list->ours];
        list->targets[list->ours] = list->targets[i];
        list->targets[i] = other;
        list->ours++;
    }
}

bool inlay_cli_part(const struct cli *cli, struct list *list, struct answer *answer)
{
    int64_t index, count;
    if (!cli->part)
        return true;
    if (!settle_part(cli, &index, &count, answer))
        return false;
    keep_part(list, (uint64_t)index, (uint64_t)count);
    return true;
}
