/* Lines and events for the host. */
#include "unit.h"

#include <stdio.h>

#include "base/log.h"

struct heard {
    size_t lines;
    enum inlay_log_level level;
    char text[4096];
    size_t events;
    struct inlay_event event;
};

static void hear_line(void *user, enum inlay_log_level level, const char *text)
{
    struct heard *heard = user;

    heard->lines++;
    heard->level = level;
    snprintf(heard->text, sizeof heard->text, "%s", text);
}

static void hear_event(void *user, const struct inlay_event *event)
{
    struct heard *heard = user;

    heard->events++;
    heard->event = *event;
}

static void a_line_has_no_line_breaks(void **state)
{
    (void)state;
    struct heard heard = {0};
    const struct inlay_options options = {.log = hear_line, .user = &heard};

    inlay_log(&options, INLAY_LOG_WARNING, "a\nb\r\nc %d\n", 7);
    assert_string_equal(heard.text, "a b  c 7 ");
    assert_int_equal(heard.level, INLAY_LOG_WARNING);
    assert_int_equal(heard.lines, 1);
}

static void a_long_line_is_cut_between_characters(void **state)
{
    (void)state;
    struct heard heard = {0};
    const struct inlay_options options = {.log = hear_line, .user = &heard};
    char text[4000] = "";
    uint32_t seed = 5;

    for (size_t i = 0; i < 50; i++) {
        unit_random_text(&seed, text, sizeof text - 1);
        inlay_log(&options, INLAY_LOG_INFO, "%s", text);
        assert_int_equal(strlen(heard.text), unit_cut(text, 2047));
        assert_true(unit_is_utf8(heard.text));
    }
}

static void events_arrive_as_they_are(void **state)
{
    (void)state;
    struct heard heard = {0};
    const struct inlay_options options = {.event = hear_event, .user = &heard};
    const struct inlay_event event = {.kind = INLAY_EVENT_END, .index = 2, .count = 3};

    inlay_tell(&options, &event);
    assert_int_equal(heard.events, 1);
    assert_int_equal(heard.event.kind, INLAY_EVENT_END);
    assert_int_equal(heard.event.index, 2);
    assert_int_equal(heard.event.count, 3);
}

static void without_callbacks_there_is_silence(void **state)
{
    (void)state;
    struct heard heard = {0};
    const struct inlay_options options = {.user = &heard};
    const struct inlay_event event = {.kind = INLAY_EVENT_END};

    inlay_log(&options, INLAY_LOG_WARNING, "unheard");
    inlay_tell(&options, &event);
    assert_int_equal(heard.lines + heard.events, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_no_line_breaks),
        cmocka_unit_test(a_long_line_is_cut_between_characters),
        cmocka_unit_test(events_arrive_as_they_are),
        cmocka_unit_test(without_callbacks_there_is_silence),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
