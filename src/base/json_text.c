#include "base/json_text.h"

#include <inttypes.h>
#include <stdio.h>

#define ESCAPE_BYTES 7U  /* "\u001f" and its end */
#define DIGITS_BYTES 21U /* of the largest number, and their end */
#define FIRST_PLAIN  0x20U

struct json_text
json_text_init(struct buffer *out)
{
    return (struct json_text){.out = out, .status = WILCO_OK};
}

static void
append(struct json_text *j, struct span text)
{
    if (j->status == WILCO_OK) {
        j->status = buffer_append(j->out, text);
    }
}

/* What stands between this value, or key, and the one before. */
static void
separate(struct json_text *j)
{
    if (j->is_behind_value) {
        append(j, SPAN_LITERAL(","));
    }
    j->is_behind_value = true;
}

static void
begin(struct json_text *j, struct span bracket)
{
    separate(j);
    append(j, bracket);
    j->is_behind_value = false;
}

static void
end(struct json_text *j, struct span bracket)
{
    append(j, bracket);
    j->is_behind_value = true;
}

void
json_text_begin_object(struct json_text *j)
{
    begin(j, SPAN_LITERAL("{"));
}

void
json_text_end_object(struct json_text *j)
{
    end(j, SPAN_LITERAL("}"));
}

void
json_text_begin_array(struct json_text *j)
{
    begin(j, SPAN_LITERAL("["));
}

void
json_text_end_array(struct json_text *j)
{
    end(j, SPAN_LITERAL("]"));
}

static bool
is_plain(uint8_t byte)
{
    return byte >= FIRST_PLAIN && byte != '"' && byte != '\\';
}

static void
append_escaped(struct json_text *j, uint8_t byte)
{
    char escape[ESCAPE_BYTES];

    (void)snprintf(escape, sizeof(escape), byte < FIRST_PLAIN ? "\\u%04x" : "\\%c", (unsigned)byte);
    append(j, span_of_text(escape));
}

static void
append_quoted(struct json_text *j, struct span text)
{
    append(j, SPAN_LITERAL("\""));
    while (text.len > 0) {
        size_t plain = 0;

        while (plain < text.len && is_plain(text.data[plain])) {
            plain++;
        }
        append(j, span_first(text, plain));
        text = span_skip(text, plain);
        if (text.len > 0) {
            append_escaped(j, text.data[0]);
            text = span_skip(text, 1);
        }
    }
    append(j, SPAN_LITERAL("\""));
}

void
json_text_key_of(struct json_text *j, struct span name)
{
    separate(j);
    append_quoted(j, name);
    append(j, SPAN_LITERAL(":"));
    j->is_behind_value = false;
}

void
json_text_key(struct json_text *j, const char *name)
{
    json_text_key_of(j, span_of_text(name));
}

void
json_text_string(struct json_text *j, struct span text)
{
    separate(j);
    append_quoted(j, text);
}

void
json_text_integer(struct json_text *j, uint64_t number)
{
    char digits[DIGITS_BYTES];

    separate(j);
    (void)snprintf(digits, sizeof(digits), "%" PRIu64, number);
    append(j, span_of_text(digits));
}

void
json_text_bool(struct json_text *j, bool is_true)
{
    separate(j);
    append(j, is_true ? SPAN_LITERAL("true") : SPAN_LITERAL("false"));
}

void
json_text_value(struct json_text *j, struct span json)
{
    separate(j);
    append(j, json);
}
