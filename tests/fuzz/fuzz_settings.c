/* The value of --migrate-set. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "words/settings.h"

static bool is_time(int64_t ms)
{
    return ms == INLAY_NO_TIMEOUT || (ms >= 0 && ms <= INT32_MAX);
}

/* What was read can be written, and is read as the same. */
static void require_round_trip(const struct inlay_options *first)
{
    static const char *const levels[] = {"", "isolation=read-committed",
                                         "isolation=repeatable-read", "isolation=serializable"};
    struct inlay_options second = {.size = sizeof second};
    char text[128];
    char why[128];
    int length = snprintf(text, sizeof text, "%s", levels[first->isolation]);

    if (first->lock_timeout_ms != 0)
        length += snprintf(
            text + length, sizeof text - (size_t)length, " lock_timeout=%lld",
            first->lock_timeout_ms == INLAY_NO_TIMEOUT ? 0LL : (long long)first->lock_timeout_ms);
    fuzz_require(inlay_cli_settings_read(text, &second, why, sizeof why),
                 "settings are read again");
    fuzz_require(second.lock_timeout_ms == first->lock_timeout_ms &&
                     second.isolation == first->isolation,
                 "settings are read as they are written");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};
    struct inlay_options options = {.size = sizeof options};
    char *text = fuzz_rest(&input);
    char why[128] = "";
    bool read = inlay_cli_settings_read(text, &options, why, sizeof why);

    fuzz_require(read == (why[0] == '\0'), "what is refused has a reason");
    fuzz_require(is_time(options.lock_timeout_ms) && is_time(options.statement_timeout_ms),
                 "a time is one that the server takes");
    fuzz_require_secrecy(why);
    if (read)
        require_round_trip(&options);
    free(text);
    return 0;
}
