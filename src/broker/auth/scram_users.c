#include "broker/auth/scram_users.h"

#include "base/secret.h"
#include "wire/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct user {
    struct span name; /* in `text` */
    struct scram_secret secret;
    size_t line;
};

struct scram_users {
    const struct wilco_alloc *alloc;
    struct user *users; /* by name */
    size_t count;
    uint8_t pepper[SCRAM_KEY_BYTES]; /* what nobody outside knows, for users that are not there */
    uint8_t *text;                   /* a copy */
    size_t text_bytes;
};

static int
compare(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
compare_users(const void *a, const void *b)
{
    return compare(((const struct user *)a)->name, ((const struct user *)b)->name);
}

/* The next line without its end; *text goes behind it. */
static struct span
next_line(struct span *text)
{
    const uint8_t *end = memchr(text->data, '\n', text->len);
    struct span line = end == NULL ? *text : span_first(*text, (size_t)(end - text->data));

    *text = span_skip(*text, end == NULL ? text->len : line.len + 1);
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

static bool
says_nothing(struct span line)
{
    return line.len == 0 || line.data[0] == '#';
}

static size_t
count_lines(struct span text)
{
    size_t count = 0;

    while (text.len > 0) {
        count += says_nothing(next_line(&text)) ? 0 : 1;
    }
    return count;
}

/* NULL, or what is wrong. */
static const char *
read_line(struct user *out, struct span line)
{
    const uint8_t *colon = memchr(line.data, ':', line.len);
    const char *why = NULL;

    if (memchr(line.data, '\0', line.len) != NULL) {
        return "there is a zero byte in it";
    }
    if (colon == NULL) {
        return "there is no colon behind the user";
    }
    out->name = span_first(line, (size_t)(colon - line.data));
    if (out->name.len == 0 || out->name.len > SCRAM_NAME_BYTES_MAX || !utf8_is_valid(out->name)) {
        return "the user is not 1 to 512 bytes of UTF-8";
    }
    return scram_secret_read(&out->secret, span_skip(line, out->name.len + 1), &why) == WILCO_OK
               ? NULL
               : why;
}

static enum wilco_status
refuse(char why[SCRAM_USERS_WHY_BYTES], size_t line, const char *what)
{
    (void)snprintf(why, SCRAM_USERS_WHY_BYTES, "line %zu: %s", line, what);
    return WILCO_EMALFORMED;
}

static enum wilco_status
read_lines(struct scram_users *u, char why[SCRAM_USERS_WHY_BYTES])
{
    struct span text = span_of(u->text, u->text_bytes);
    size_t number = 0;

    while (text.len > 0) {
        struct span line = next_line(&text);
        struct user *user = &u->users[u->count];
        const char *what = NULL;

        number++;
        if (says_nothing(line)) {
            continue;
        }
        what = read_line(user, line);
        if (what != NULL) {
            return refuse(why, number, what);
        }
        user->line = number;
        u->count++;
    }
    return WILCO_OK;
}

/* Puts them into order, in which nobody may be twice. */
static enum wilco_status
sort(struct scram_users *u, char why[SCRAM_USERS_WHY_BYTES])
{
    if (u->count > 1) {
        qsort(u->users, u->count, sizeof(u->users[0]), compare_users);
    }
    for (size_t i = 1; i < u->count; i++) {
        const struct user *a = &u->users[i - 1];
        const struct user *b = &u->users[i];

        if (compare(a->name, b->name) == 0) {
            return refuse(why, a->line > b->line ? a->line : b->line,
                          "an earlier line has this user already");
        }
    }
    return WILCO_OK;
}

static enum wilco_status
fill(struct scram_users *u, struct span text, char why[SCRAM_USERS_WHY_BYTES])
{
    static const uint8_t no_key[SCRAM_KEY_BYTES];
    enum wilco_status status = WILCO_OK;

    u->users = mem_zalloc(u->alloc, (count_lines(text) + 1) * sizeof(u->users[0]));
    u->text = mem_alloc(u->alloc, text.len + 1);
    if (u->users == NULL || u->text == NULL) {
        return WILCO_ENOMEM;
    }
    if (text.len > 0) {
        memcpy(u->text, text.data, text.len);
    }
    u->text_bytes = text.len;
    status = read_lines(u, why);
    if (status == WILCO_OK) { /* the first one is still that of the file */
        status = scram_hmac(u->pepper, u->count > 0 ? u->users[0].secret.keys.stored_key : no_key,
                            SPAN_LITERAL("users that are not there"));
    }
    return status == WILCO_OK ? sort(u, why) : status;
}

enum wilco_status
scram_users_read(struct scram_users **out, const struct wilco_alloc *alloc, struct span text,
                 char why[SCRAM_USERS_WHY_BYTES])
{
    struct scram_users *u = mem_zalloc(alloc, sizeof(*u));
    enum wilco_status status = WILCO_ENOMEM;

    why[0] = '\0';
    if (u != NULL) {
        u->alloc = alloc;
        status = fill(u, text, why);
    }
    if (status != WILCO_OK) {
        scram_users_free(u);
        return status;
    }
    *out = u;
    return WILCO_OK;
}

void
scram_users_free(struct scram_users *u)
{
    if (u == NULL) {
        return;
    }
    if (u->users != NULL) {
        secret_wipe(u->users, u->count * sizeof(u->users[0]));
    }
    if (u->text != NULL) {
        secret_wipe(u->text, u->text_bytes);
    }
    mem_free(u->alloc, u->users);
    mem_free(u->alloc, u->text);
    secret_wipe(u->pepper, sizeof(u->pepper));
    mem_free(u->alloc, u);
}

size_t
scram_users_count(const struct scram_users *u)
{
    return u->count;
}

static const struct user *
find(const struct scram_users *u, struct span name)
{
    const struct user wanted = {.name = name};

    return u->count == 0 ? NULL
                         : bsearch(&wanted, u->users, u->count, sizeof(u->users[0]), compare_users);
}

/* Random to those who do not know the pepper, and always the same. */
static enum wilco_status
invent(const struct scram_users *u, struct span name, struct scram_secret *out)
{
    uint8_t choice[SCRAM_KEY_BYTES] = {0};
    uint32_t number = 0;
    enum wilco_status status = scram_hmac(out->keys.stored_key, u->pepper, name);

    if (status == WILCO_OK) {
        status = scram_hmac(out->salt, out->keys.stored_key, SPAN_LITERAL("salt"));
    }
    if (status == WILCO_OK) {
        status = scram_hmac(out->salt + SCRAM_KEY_BYTES, out->keys.stored_key,
                            SPAN_LITERAL("more salt"));
    }
    if (status == WILCO_OK) {
        status = scram_hmac(choice, out->keys.stored_key, SPAN_LITERAL("like whom"));
    }
    memcpy(&number, choice, sizeof(number));
    out->salt_bytes = SCRAM_SECRET_SALT_BYTES;
    out->iterations = SCRAM_ITERATIONS_STANDARD;
    if (u->count > 0) {
        out->salt_bytes = u->users[number % u->count].secret.salt_bytes;
        out->iterations = u->users[number % u->count].secret.iterations;
    }
    return status;
}

enum wilco_status
scram_users_find(const struct scram_users *u, struct span name, struct scram_secret *out,
                 bool *is_known)
{
    const struct user *user = find(u, name);
    enum wilco_status status = WILCO_OK;

    *out = (struct scram_secret){.iterations = 0};
    status = invent(u, name, out); /* also for those who are there: it takes time */
    *is_known = status == WILCO_OK && user != NULL;
    if (*is_known) {
        *out = user->secret;
    }
    return status;
}
