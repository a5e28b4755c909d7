#include "limits.h"
#include "set.h"

#define LOCK_TIMEOUT_MS 5000

static int64_t number_or_unset(const PGresult *result, int column)
{
    int64_t number;

    if (PQgetisnull(result, 0, column) ||
        !inlay_text_number(PQgetvalue(result, 0, column), &number))
        return INLAY_UNSET;
    return number;
}

void inlay_limits_read(struct run *run, const PGresult *result)
{
    run->own.lock_timeout_ms = number_or_unset(result, 0);
    run->own.statement_timeout_ms = number_or_unset(result, 1);
    run->asynchronous = run->options.asynchronous && PQgetvalue(result, 0, 2)[0] == 't';
}

static struct limit choose(int64_t files, int64_t callers, struct limit otherwise)
{
    if (files != INLAY_UNSET)
        return (struct limit){.ms = files, .whose = "the file's"};
    if (callers != 0)
        return (struct limit){.ms = callers == INLAY_NO_TIMEOUT ? 0 : callers,
                              .whose = "the caller's"};
    return otherwise;
}

struct limit inlay_limit_lock(const struct run *run, const struct inlay_script *script)
{
    struct limit own = {.ms = run->own.lock_timeout_ms, .whose = "the role's"};

    if (own.ms == INLAY_UNSET)
        own = (struct limit){.ms = LOCK_TIMEOUT_MS, .whose = "inlay's"};
    return choose(inlay_script_settings(script)->lock_timeout_ms, run->options.lock_timeout_ms,
                  own);
}

struct limit inlay_limit_statement(const struct run *run, const struct inlay_script *script)
{
    struct limit own = {.ms = run->own.statement_timeout_ms, .whose = "the role's"};

    return choose(inlay_script_settings(script)->statement_timeout_ms,
                  run->options.statement_timeout_ms, own);
}

void inlay_limit_text(int64_t ms, char *buffer, size_t size)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}};
    size_t i = 0;

    while (ms % units[i].ms != 0)
        i++;
    inlay_text_put(buffer, size, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
}
