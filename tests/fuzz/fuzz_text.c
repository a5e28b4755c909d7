/* Names and messages of others on their way to a terminal, a JSON document and an SQL statement. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "writing/json.h"
#include "writing/text.h"

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x61C || (c >= 0x200E && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

static const char *data_of(const struct buffer *buffer)
{
    return buffer->data != NULL ? buffer->data : "";
}

/* As a reader sees it: every byte that is not UTF-8 a replacement character. */
static void repair(struct buffer *out, const char *text)
{
    const char *end = text + strlen(text);

    while (text < end)
        inlay_cli_text_encode(out, inlay_cli_text_next(&text, end));
}

static void escape(const char *text)
{
    struct buffer once = {0};
    struct buffer twice = {0};

    inlay_cli_text_escape(&once, text, "");
    const char *c = data_of(&once);
    const char *end = c + once.length;
    while (c < end)
        fuzz_require(!is_control(inlay_cli_text_next(&c, end)), "nothing steers a terminal");
    inlay_cli_text_escape(&twice, data_of(&once), "");
    fuzz_require(strcmp(data_of(&once), data_of(&twice)) == 0, "what is safe stays as it is");
    inlay_cli_buffer_free(&once);
    inlay_cli_buffer_free(&twice);
}

static void cut(const char *text)
{
    struct buffer part = {0};
    size_t width = inlay_cli_text_width(text);

    inlay_cli_text_cut(&part, text, 7);
    fuzz_require(strncmp(data_of(&part), text, part.length) == 0, "a cut text is the beginning");
    fuzz_require(inlay_cli_text_width(data_of(&part)) <= 7, "a cut text fits");
    fuzz_require(width > 7 || part.length == strlen(text), "what fits is not cut");
    inlay_cli_buffer_free(&part);
}

/* One character of a JSON string; steps over it. */
static uint32_t read_json(const char **c, const char *end)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";

    if (**c != '\\') {
        fuzz_require((unsigned char)**c >= 0x20 && **c != '"', "a JSON string is one");
        return inlay_cli_text_next(c, end);
    }
    (*c)++;
    if (*(*c)++ == 'u') {
        char digits[5] = {(*c)[0], (*c)[1], (*c)[2], (*c)[3], '\0'};
        *c += 4;
        return (uint32_t)strtoul(digits, NULL, 16);
    }
    const char *letter = strchr(letters, (*c)[-1]);
    fuzz_require(letter != NULL && *letter != '\0', "a JSON escape is one");
    return (unsigned char)meant[letter - letters];
}

static void write_json(const char *text)
{
    struct json json = {.comma = false};
    struct buffer wanted = {0};
    struct buffer read = {0};

    inlay_cli_json_text(&json, NULL, text);
    const char *c = data_of(&json.text) + 1;
    const char *end = data_of(&json.text) + json.text.length - 1;
    fuzz_require(c[-1] == '"' && *end == '"' && c <= end, "a JSON string is one");
    while (c < end)
        inlay_cli_text_encode(&read, read_json(&c, end));
    repair(&wanted, text);
    fuzz_require(strcmp(data_of(&read), data_of(&wanted)) == 0, "JSON is read as it was meant");
    inlay_cli_buffer_free(&read);
    inlay_cli_buffer_free(&wanted);
    inlay_cli_json_free(&json);
}

static void quote(const char *text, size_t size)
{
    char *quoted = malloc(size);

    fuzz_require(quoted != NULL, "there is memory");
    inlay_text_quote(quoted, size, text, '\'');
    size_t length = strlen(quoted);
    fuzz_require(length < size && length >= 2, "a literal fits");
    fuzz_require(quoted[0] == '\'' && quoted[length - 1] == '\'', "a literal is in quotes");
    for (size_t i = 1; i + 1 < length; i++) {
        if (quoted[i] == '\'')
            fuzz_require(quoted[++i] == '\'' && i + 1 < length, "a quote inside is doubled");
        fuzz_require(quoted[i] == *text++, "a literal is the beginning");
    }
    fuzz_require(size < 3 * strlen(text) || *text == '\0' || length + 9 > size,
                 "nothing is cut that fits");
    free(quoted);
}

static void read_number(const char *text)
{
    int64_t number;
    int64_t again;

    if (!inlay_text_number(text, &number))
        return;
    char *written = inlay_text_new("%lld", (long long)number);
    fuzz_require(inlay_text_number(written, &again) && again == number, "a number is that number");
    free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *)data, size};
    char *text = fuzz_rest(&input);

    escape(text);
    cut(text);
    write_json(text);
    quote(text, 3 + size % 40);
    quote(text, 2 * size + 3);
    read_number(text);
    free(text);
    return 0;
}
