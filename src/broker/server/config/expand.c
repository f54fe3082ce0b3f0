#include "broker/server/config/expand.h"

#include <stdio.h>

#define NAME_BYTES 128U

static bool
is_name(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (!is_letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return s.len > 0 && s.len < NAME_BYTES;
}

static enum wilco_status
refuse(char reason[EXPAND_REASON_BYTES], const char *what, struct span name)
{
    (void)snprintf(reason, EXPAND_REASON_BYTES, "%s%.*s", what,
                   name.len < NAME_BYTES ? (int)name.len : (int)NAME_BYTES,
                   name.len == 0 ? "" : (const char *)name.data);
    return WILCO_EINVAL;
}

/* `reference` begins with "${". *len: how much of it is the reference; *out: what it stands for. */
static enum wilco_status
look_up(struct span reference, const struct config_environment *environment, size_t *len,
        struct span *out, char reason[EXPAND_REASON_BYTES])
{
    const uint8_t *end = memchr(reference.data, '}', reference.len);
    struct span name;
    char text[NAME_BYTES];
    const char *found = NULL;

    if (end == NULL) {
        return refuse(reason, "a ${ without its }", SPAN_EMPTY);
    }
    *len = (size_t)(end - reference.data) + 1;
    name = span_of(reference.data + 2, *len - 3);
    if (!is_name(name)) {
        return refuse(reason, "between ${ and } stands a name of letters, digits and _",
                      SPAN_EMPTY);
    }
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    found = environment->get(environment->context, text);
    if (found == NULL) {
        return refuse(reason, "this environment variable is not set: ", name);
    }
    *out = span_of_text(found);
    return WILCO_OK;
}

enum wilco_status
expand(char out[EXPANDED_BYTES], struct span value, const struct config_environment *environment,
       char reason[EXPAND_REASON_BYTES])
{
    size_t n = 0;

    while (value.len > 0) {
        struct span piece = span_first(value, 1);
        size_t len = 1;

        if (value.len > 1 && value.data[0] == '$' && value.data[1] == '{') {
            enum wilco_status st = look_up(value, environment, &len, &piece, reason);

            if (st != WILCO_OK) {
                return st;
            }
        }
        if (piece.len >= EXPANDED_BYTES - n) {
            (void)refuse(reason, "with its variables the value is longer than 4096 bytes",
                         SPAN_EMPTY);
            return WILCO_ELIMIT;
        }
        memcpy(out + n, piece.data, piece.len);
        n += piece.len;
        value = span_skip(value, len);
    }
    out[n] = '\0';
    return WILCO_OK;
}
