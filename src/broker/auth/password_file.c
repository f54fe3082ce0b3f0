#define _POSIX_C_SOURCE 200809L

#include "broker/auth/password_file.h"

#include "base/buffer.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/secret.h"
#include "broker/auth/secret_file.h"
#include "wire/utf8.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COSTS_MAX 16U /* kinds of work that are counted */

struct entry {
    struct map_node by_user;
    struct password_hash hash;
    uint32_t line;
    uint16_t user_bytes;
    uint8_t user[];
};

struct password_file {
    const struct wilco_alloc *alloc;
    uint64_t seed;
    struct map by_user;
    struct password_hash nobody;
    bool is_exposed;
};

static struct entry *
find(const struct password_file *f, struct span user)
{
    struct map_node *n = map_first(&f->by_user, hash_bytes(user, f->seed));

    while (n != NULL) {
        struct entry *e = CONTAINER_OF(n, struct entry, by_user);

        if (span_equal(span_of(e->user, e->user_bytes), user)) {
            return e;
        }
        n = map_next(n);
    }
    return NULL;
}

const struct password_hash *
password_file_find(const struct password_file *f, struct span user, bool *is_known)
{
    const struct entry *e = find(f, user);

    *is_known = e != NULL;
    return e == NULL ? &f->nobody : &e->hash;
}

bool
password_file_is_exposed(const struct password_file *f)
{
    return f->is_exposed;
}

size_t
password_file_users(const struct password_file *f)
{
    return f->by_user.count;
}

void
password_file_free(struct password_file *f)
{
    struct map_node *n = f == NULL ? NULL : map_any(&f->by_user);

    if (f == NULL) {
        return;
    }
    while (n != NULL) {
        struct entry *e = CONTAINER_OF(n, struct entry, by_user);

        map_remove(&f->by_user, n);
        secret_wipe(&e->hash, sizeof(e->hash));
        mem_free(f->alloc, e);
        n = map_any(&f->by_user);
    }
    map_fini(&f->by_user);
    mem_free(f->alloc, f);
}

/* Lines. */

struct parser {
    struct password_file *file;
    uint32_t line;
    char *reason;
    /* Which kind of work is the usual one. */
    struct password_hash kinds[COSTS_MAX];
    size_t counts[COSTS_MAX];
    size_t kind_count;
};

static enum wilco_status
wrong(const struct parser *p, const char *why)
{
    (void)snprintf(p->reason, PASSWORD_LINE_REASON_BYTES, "line %u: %s", p->line, why);
    return WILCO_EMALFORMED;
}

static enum wilco_status
no_memory(char reason[PASSWORD_LINE_REASON_BYTES])
{
    (void)snprintf(reason, PASSWORD_LINE_REASON_BYTES, "out of memory");
    return WILCO_ENOMEM;
}

static void
count_kind(struct parser *p, const struct password_hash *h)
{
    size_t i = 0;

    while (i < p->kind_count && !password_cost_equal(&p->kinds[i].cost, &h->cost)) {
        i++;
    }
    if (i == COSTS_MAX) {
        return;
    }
    if (i == p->kind_count) {
        p->kinds[p->kind_count++] = *h;
    }
    p->counts[i]++;
}

static enum wilco_status
add(struct parser *p, struct span user, const struct password_hash *h)
{
    struct password_file *f = p->file;
    struct entry *e = NULL;

    if (find(f, user) != NULL) {
        char why[64];

        (void)snprintf(why, sizeof(why), "the same user as in line %u", find(f, user)->line);
        return wrong(p, why);
    }
    e = mem_alloc(f->alloc, sizeof(*e) + user.len);
    if (e == NULL) {
        return no_memory(p->reason);
    }
    e->hash = *h;
    e->line = p->line;
    e->user_bytes = (uint16_t)user.len;
    memcpy(e->user, user.data, user.len);
    if (map_add(&f->by_user, &e->by_user, hash_bytes(user, f->seed)) != WILCO_OK) {
        mem_free(f->alloc, e);
        return no_memory(p->reason);
    }
    count_kind(p, h);
    return WILCO_OK;
}

static enum wilco_status
read_line(struct parser *p, struct span line)
{
    const uint8_t *colon = line.len == 0 ? NULL : memchr(line.data, ':', line.len);
    struct password_hash hash;
    struct span user;
    const char *why = NULL;
    enum wilco_status status = WILCO_OK;

    if (line.len == 0 || line.data[0] == '#') {
        return WILCO_OK;
    }
    if (line.len > PASSWORD_LINE_BYTES_MAX) {
        return wrong(p, "it is longer than 66000 bytes");
    }
    if (memchr(line.data, '\0', line.len) != NULL) {
        return wrong(p, "there is a zero byte in it");
    }
    if (colon == NULL) {
        return wrong(p, "there is no colon behind a user name");
    }
    user = span_first(line, (size_t)(colon - line.data));
    if (user.len == 0 || user.len > UINT16_MAX || !utf8_is_valid(user)) {
        return wrong(p, "the user name is empty, too long or not UTF-8");
    }
    if (password_hash_parse(&hash, span_skip(line, user.len + 1), &why) != WILCO_OK) {
        return wrong(p, why);
    }
    status = add(p, user, &hash);
    secret_wipe(&hash, sizeof(hash));
    return status;
}

/* The next line without what ends it. */
static struct span
take_line(struct span *text)
{
    const uint8_t *end = memchr(text->data, '\n', text->len);
    struct span line = end == NULL ? *text : span_first(*text, (size_t)(end - text->data));

    *text = span_skip(*text, line.len + (end == NULL ? 0 : 1));
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

/* For users who are not in the file: the usual work, and a key that is nobody's. */
static enum wilco_status
make_nobody(struct parser *p, const struct random_source *random)
{
    struct password_hash *nobody = &p->file->nobody;
    size_t usual = 0;

    *nobody = (struct password_hash){
        .cost = password_cost_standard(PASSWORD_ARGON2ID), .salt_bytes = 16, .key_bytes = 32};
    for (size_t i = 0; i < p->kind_count; i++) {
        usual = p->counts[i] > p->counts[usual] ? i : usual;
    }
    if (p->kind_count > 0) {
        *nobody = p->kinds[usual];
    }
    if (random_bytes(random, nobody->salt, nobody->salt_bytes) != WILCO_OK ||
        random_bytes(random, nobody->key, nobody->key_bytes) != WILCO_OK) {
        (void)snprintf(p->reason, PASSWORD_LINE_REASON_BYTES, "the system gives no random bytes");
        return WILCO_EIO;
    }
    return WILCO_OK;
}

enum wilco_status
password_file_parse(struct password_file **out, struct span text, uint64_t seed,
                    const struct wilco_alloc *a, const struct random_source *random,
                    char reason[PASSWORD_LINE_REASON_BYTES])
{
    struct parser p = {.file = mem_zalloc(a, sizeof(*p.file)), .reason = reason};
    enum wilco_status status = WILCO_OK;

    if (p.file == NULL) {
        return no_memory(reason);
    }
    p.file->alloc = a;
    p.file->seed = seed;
    map_init(&p.file->by_user, a);
    while (text.len > 0 && status == WILCO_OK) {
        p.line++;
        status = read_line(&p, take_line(&text));
    }
    if (status == WILCO_OK) {
        status = make_nobody(&p, random);
    }
    secret_wipe(p.kinds, sizeof(p.kinds));
    if (status != WILCO_OK) {
        password_file_free(p.file);
        return status;
    }
    *out = p.file;
    return WILCO_OK;
}

/* Files. */

static enum wilco_status
check_mode(const char *path, bool *is_exposed, char reason[PASSWORD_REASON_BYTES])
{
    struct stat st;

    *is_exposed = false;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        return WILCO_OK; /* reading it says what is wrong */
    }
    *is_exposed = (st.st_mode & S_IROTH) != 0;
    if ((st.st_mode & S_IWOTH) != 0) {
        (void)snprintf(reason, PASSWORD_REASON_BYTES,
                       "%.300s: everybody may write to it, and so let himself in: chmod o-w", path);
        return WILCO_EINVAL;
    }
    return WILCO_OK;
}

enum wilco_status
password_file_load(struct password_file **out, const char *path, uint64_t seed,
                   const struct wilco_alloc *a, const struct random_source *random,
                   char reason[PASSWORD_REASON_BYTES])
{
    struct buffer text;
    char why[PASSWORD_LINE_REASON_BYTES];
    bool is_exposed = false;
    enum wilco_status status = check_mode(path, &is_exposed, reason);

    if (status != WILCO_OK) {
        return status;
    }
    buffer_init(&text, a, SECRET_FILE_BYTES_MAX);
    status = secret_file_read(&text, a, path, false, PASSWORD_FILE_BYTES_MAX, reason);
    if (status == WILCO_OK) {
        status = password_file_parse(out, buffer_span(&text), seed, a, random, why);
        if (status != WILCO_OK) {
            (void)snprintf(reason, PASSWORD_REASON_BYTES, "%.300s: %s", path, why);
        }
    }
    if (status == WILCO_OK) {
        (*out)->is_exposed = is_exposed;
    }
    secret_file_wipe(&text);
    return status;
}
