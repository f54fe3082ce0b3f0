#include "broker/core/entrance.h"

#include "wire/utf8.h"

#include <string.h>

const struct entrance entrance_standard = {.inbox_prefix = ENTRANCE_PREFIX,
                                           .v3_response_suffix = ENTRANCE_SUFFIX};

static bool
is_below_root(struct span prefix)
{
    const size_t len = sizeof(ENTRANCE_PREFIX) - 1;

    return prefix.len >= len && memcmp(prefix.data, ENTRANCE_PREFIX, len) == 0 &&
           (prefix.len == len || prefix.data[len] == '/');
}

static bool
has_empty_level(struct span prefix)
{
    for (size_t i = 0; i < prefix.len; i++) {
        if (prefix.data[i] == '/' && (i + 1 == prefix.len || prefix.data[i + 1] == '/')) {
            return true;
        }
    }
    return false;
}

static bool
has_wildcard(struct span prefix)
{
    return memchr(prefix.data, '+', prefix.len) != NULL ||
           memchr(prefix.data, '#', prefix.len) != NULL;
}

static bool
has_unknown_variable(struct span prefix)
{
    for (size_t i = 0; i < prefix.len; i++) {
        uint8_t next = i + 1 < prefix.len ? prefix.data[i + 1] : 0;

        if (prefix.data[i] == '%' && next != 'c' && next != 'u') {
            return true;
        }
    }
    return false;
}

/* NULL: nothing is. */
static const char *
what_is_wrong(struct span prefix)
{
    if (!is_below_root(prefix)) {
        return "it is neither $r nor begins with $r/";
    }
    if (prefix.len > ENTRANCE_PREFIX_BYTES_MAX) {
        return "it is longer than 64 bytes";
    }
    if (!utf8_is_valid(prefix)) {
        return "it is not UTF-8 without a zero byte";
    }
    if (has_wildcard(prefix)) {
        return "it must not contain + or #";
    }
    if (has_empty_level(prefix)) {
        return "a level is empty";
    }
    if (has_unknown_variable(prefix)) {
        return "behind % stands c (the Client Identifier) or u (the user name)";
    }
    return NULL;
}

enum wilco_status
entrance_set_inbox_prefix(struct entrance *e, struct span prefix, const char **why)
{
    _Static_assert(ENTRANCE_PREFIX_BYTES_MAX == 64, "as what_is_wrong() says");

    *why = what_is_wrong(prefix);
    if (*why != NULL) {
        return WILCO_EINVAL;
    }
    memcpy(e->inbox_prefix, prefix.data, prefix.len);
    e->inbox_prefix[prefix.len] = '\0';
    return WILCO_OK;
}

enum wilco_status
entrance_set_v3_response_suffix(struct entrance *e, struct span suffix, const char **why)
{
    _Static_assert(ENTRANCE_SUFFIX_BYTES_MAX == 64, "as is said below");

    *why = NULL;
    if (span_equal(suffix, SPAN_LITERAL(ENTRANCE_SUFFIX_NONE))) {
        e->v3_response_suffix[0] = '\0';
        return WILCO_OK;
    }
    if (suffix.len == 0 || suffix.data[0] != '/') {
        *why = "it is neither off nor begins with /";
    } else if (suffix.len > ENTRANCE_SUFFIX_BYTES_MAX) {
        *why = "it is longer than 64 bytes";
    } else if (!utf8_is_valid(suffix)) {
        *why = "it is not UTF-8 without a zero byte";
    } else if (has_wildcard(suffix)) {
        *why = "it must not contain + or #";
    }
    if (*why != NULL) {
        return WILCO_EINVAL;
    }
    memcpy(e->v3_response_suffix, suffix.data, suffix.len);
    e->v3_response_suffix[suffix.len] = '\0';
    return WILCO_OK;
}

bool
entrance_tells_no_matching_subscribers(const struct entrance *e, const struct settings *s)
{
    if (e->no_matching_subscribers == ENTRANCE_AS_SET) {
        return s->no_matching_subscribers != 0;
    }
    return e->no_matching_subscribers == ENTRANCE_YES;
}

bool
entrance_equal(const struct entrance *a, const struct entrance *b)
{
    return strcmp(a->inbox_prefix, b->inbox_prefix) == 0 &&
           strcmp(a->v3_response_suffix, b->v3_response_suffix) == 0 &&
           a->no_matching_subscribers == b->no_matching_subscribers &&
           a->allow_anonymous == b->allow_anonymous &&
           strcmp(a->password_file, b->password_file) == 0 &&
           a->user_is_certified == b->user_is_certified;
}
