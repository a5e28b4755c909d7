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

/* `otherwise` where it is not set. False with the answer filled where it is no number. */
static bool read_number(const char *variable, int64_t otherwise, int64_t *number,
                        struct answer *answer)
{
    const char *text = inlay_cli_environment(variable);
    struct value value = {.number = otherwise};
    if (text && !inlay_cli_argument_parse(ARGUMENT_VERSION, text, &value)) {
        inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT, "%s=%s is no number", variable, text);
        return false;
    }
    *number = value.number;
    return true;
}

struct array {
    int64_t index; /* from 0; -1: this is no job of an array */
    int64_t count; /* 0: not known */
};

/* Slurm numbers tasks as its user says, in steps perhaps; Kubernetes from 0. */
static bool find_index(struct array *array, struct answer *answer)
{
    int64_t task, least, step;
    if (!read_number("JOB_COMPLETION_INDEX", -1, &array->index, answer))
        return false;
    if (array->index >= 0)
        return true;
    if (!read_number("SLURM_ARRAY_TASK_ID", -1, &task, answer) ||
        !read_number("SLURM_ARRAY_TASK_MIN", 0, &least, answer) ||
        !read_number("SLURM_ARRAY_TASK_STEP", 1, &step, answer) ||
        !read_number("SLURM_ARRAY_TASK_COUNT", 0, &array->count, answer))
        return false;
    if (task >= least && step > 0)
        array->index = (task - least) / step;
    return true;
}

static bool settle_part(const struct cli *cli, int64_t *index, int64_t *count,
                        struct answer *answer)
{
    struct array array = {.index = -1};
    inlay_cli_argument_part(cli->part, index, count);
    if (*index > 0)
        return true;
    if (!find_index(&array, answer))
        return false;
    if (array.index < 0) {
        inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT,
                              "%spart %s needs JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID; "
                              "elsewhere say which part it is, as in 1%s",
                              cli->prefix, cli->part, cli->part);
        return false;
    }
    if (array.index >= *count || (array.count > 0 && array.count != *count)) {
        inlay_cli_answer_fail(answer, INLAY_E_ARGUMENT,
                              "%spart %s: this is job %" PRId64
                              " from 0%s, so there are not %" PRId64 " parts",
                              cli->prefix, cli->part, array.index,
                              array.count > 0 ? " of another number of jobs" : "", *count);
        return false;
    }
    *index = array.index + 1;
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
