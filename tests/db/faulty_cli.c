/* The command line with one allocation failing: number $FAULTY_AT, wherever it is. */
#include <inlay-cli.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct inlay_set app_migrations;

static long calls;
static long failing_at;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);

static bool fails(void)
{
    return ++calls == failing_at;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

int main(int argc, char **argv)
{
    failing_at = atol(getenv("FAULTY_AT"));
    int status = inlay_main(argc, argv, &app_migrations);

    if (calls < failing_at)
        fputs("not met\n", stderr);
    return status;
}
