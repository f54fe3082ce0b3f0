#include "broker/server/config/lexer.h"

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span
trim(struct span s)
{
    while (s.len > 0 && is_blank(s.data[0])) {
        s = span_skip(s, 1);
    }
    while (s.len > 0 && is_blank(s.data[s.len - 1])) {
        s.len--;
    }
    return s;
}

struct lexer
lexer_init(struct span text)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    bool is_marked = text.len >= sizeof(mark) && memcmp(text.data, mark, sizeof(mark)) == 0;

    return (struct lexer){.rest = span_skip(text, is_marked ? sizeof(mark) : 0)};
}

static struct span
next_line(struct lexer *l)
{
    const uint8_t *end = memchr(l->rest.data, '\n', l->rest.len);
    size_t len = end == NULL ? l->rest.len : (size_t)(end - l->rest.data);
    struct span line = span_first(l->rest, len);

    l->rest = span_skip(l->rest, end == NULL ? len : len + 1);
    l->number++;
    return line;
}

static const char *
problem_of(struct span line)
{
    if (line.len > CONFIG_LINE_BYTES_MAX) {
        return "the line is longer than 4096 bytes";
    }
    if (line.len > 0 && memchr(line.data, '\0', line.len) != NULL) {
        return "a zero byte: this is no text file";
    }
    return NULL;
}

static void
split(struct config_line *out, struct span line)
{
    size_t len = 0;

    while (len < line.len && !is_blank(line.data[len])) {
        len++;
    }
    out->name = span_first(line, len);
    out->value = trim(span_skip(line, len));
}

bool
lexer_next(struct lexer *l, struct config_line *out)
{
    while (l->rest.len > 0) {
        struct span line = trim(next_line(l));

        if (line.len == 0 || line.data[0] == '#') {
            continue;
        }
        *out = (struct config_line){.number = l->number, .problem = problem_of(line)};
        if (out->problem == NULL) {
            split(out, line);
        }
        return true;
    }
    return false;
}
