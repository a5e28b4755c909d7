/* inlay_many_look: sorts the targets by their connection strings, and looks at some of one string
 * together. */
#include "base/set.h"
#include "calls/many/look.h"

#include <stdlib.h>
#include <string.h>

static int compare_places(const void *a, const void *b)
{
    const struct many_place *left = a;
    const struct many_place *right = b;
    const char *ours = left->target->conninfo;
    const char *theirs = right->target->conninfo;
    int order = (ours != NULL) - (theirs != NULL);

    if (order == 0 && ours != NULL)
        order = strcmp(ours, theirs);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static bool share_connection(const struct many_place *one, const struct many_place *other)
{
    const char *ours = one->target->conninfo;
    const char *theirs = other->target->conninfo;

    return ours == theirs || (ours != NULL && theirs != NULL && strcmp(ours, theirs) == 0);
}

static size_t group_end(const struct many_place *places, size_t begin, size_t count)
{
    size_t end = begin + 1;

    while (end < count && share_connection(&places[begin], &places[end]))
        end++;
    return end;
}

/* Those that no connection leads to. */
static void tell_away(const struct survey *survey, const struct many_place *places, size_t count,
                      const struct inlay_error *err)
{
    for (size_t i = 0; i < count; i++)
        inlay_survey_tell(survey, &places[i], false, 0, err);
}

static int look_group(struct survey *survey, const struct many_place *places, size_t count,
                      struct inlay_error *err)
{
    for (size_t i = 0; i < count; i += TOGETHER_MOST) {
        size_t most = count - i < TOGETHER_MOST ? count - i : TOGETHER_MOST;
        bool away;
        int rc = inlay_look_together(survey, &places[i], most, &away, err);
        if (away) {
            tell_away(survey, &places[i + most], count - i - most, err);
            return INLAY_OK;
        }
        if (rc != INLAY_OK)
            return rc;
    }
    return INLAY_OK;
}

static int look_groups(struct survey *survey, struct many_place *places, size_t count,
                       struct inlay_error *err)
{
    int rc = INLAY_OK;

    qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i < count && rc == INLAY_OK;) {
        size_t end = group_end(places, i, count);
        rc = look_group(survey, &places[i], end - i, err);
        i = end;
    }
    return rc;
}

static int begin_survey(struct survey *survey, const struct inlay_set *set,
                        const struct inlay_options *options, struct inlay_error *err)
{
    memset(survey, 0, sizeof *survey);
    survey->set = set;
    int rc = inlay_set_validate(set, err);
    if (rc == INLAY_OK)
        rc = inlay_aim_options(options, &survey->options, err);
    if (rc == INLAY_OK)
        rc = inlay_run_begin(&survey->run, set, options, err);
    survey->any = survey->run.request.name;
    survey->run.request.options.log =
        NULL; /* a warning of one would be said for none of the rest */
    return rc;
}

int inlay_many_look(const struct inlay_set *set, const struct inlay_options *options,
                    const struct inlay_many_target *targets, size_t count,
                    void (*found)(void *user, const struct inlay_many_finding *finding), void *user,
                    struct inlay_error *err)
{
    struct survey *survey = malloc(sizeof *survey);
    struct many_place *places = calloc(count + 1, sizeof *places);
    struct inlay_error own;
    int rc = INLAY_E_MEMORY;

    inlay_error_clear(&own);
    for (size_t i = 0; places != NULL && i < count; i++)
        places[i] = (struct many_place){.target = &targets[i], .index = i};
    if (survey != NULL && places != NULL)
        rc = begin_survey(survey, set, options, &own);
    else
        inlay_error_memory(&own);
    if (rc == INLAY_OK) {
        survey->found = found;
        survey->user = user;
        rc = look_groups(survey, places, count, &own);
    }
    free(survey);
    free(places);
    return inlay_error_give(rc, &own, err);
}
