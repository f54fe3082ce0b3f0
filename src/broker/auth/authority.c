#include "broker/auth/authority.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/auth/failures.h"
#include "broker/auth/hash_pool.h"
#include "broker/auth/password_file.h"
#include "broker/auth/secret_file.h"
#include "wire/reason.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define WRONG       "the user name or the password is wrong"
#define NOBODY      "this listener wants a user name and a password"
#define NO_NAME     "there is no user name in the certificate of the client"
#define TOO_MANY    "too many wrong passwords have come from this address: wait a while"
#define QUEUE_FULL  "too many passwords wait to be checked: try again later"
#define IN_BETWEEN  "the broker is about to read its passwords anew: try again"
#define CANNOT_HASH "the broker has no memory to check a password"

struct realm {
    char *path; /* owned */
    struct password_file *passwords;
};

struct authority {
    const struct wilco_alloc *alloc;
    struct authenticator authenticator;
    struct realm realms[AUTHORITY_FILES_MAX];
    size_t realm_count;
    bool has_common;       /* the first realm is the broker's own */
    struct tokens *tokens; /* NULL: none */
    struct tokens_bounds tokens_bounds;
    struct scram_users *scram_users; /* likewise */
    enum entrance_choice allow_anonymous;
    struct failures_bounds bounds;
    uint32_t delay_ms;
    struct failures *_Atomic failures; /* replaced while attempts run (authority_inherit()) */
    struct hash_pool *pool;
};

/* A password on its way through the pool. */
struct attempt {
    struct hash_job job;
    struct login_answer answer;
    const struct wilco_alloc *alloc;
    const struct authority *authority; /* while it is the pool's */
    bool is_token; /* in the place of the password; the next two are not used then */
    bool is_known;
    struct password_hash hash;
    struct conn_origin origin;
    uint64_t now_ms;
    size_t user_bytes;
    size_t password_bytes;
    uint8_t bytes[]; /* the user's name, the password */
};

static struct login_verdict
refusal(uint8_t reason_code, const char *why)
{
    return (struct login_verdict){.reason_code = reason_code, .why = why};
}

/* In the pool. */

static void
release(struct login_answer *answer)
{
    struct attempt *t = CONTAINER_OF(answer, struct attempt, answer);

    secret_wipe(&t->hash, sizeof(t->hash));
    mem_free(t->alloc, t);
}

static void
answer(struct attempt *t, const struct login_verdict *v)
{
    secret_wipe(t->bytes + t->user_bytes, t->password_bytes);
    t->answer.verdict = *v;
    login_answer_send(&t->answer);
}

static struct login_verdict
judge_password(const struct attempt *t)
{
    bool is_right = false;

    if (password_hash_check(&t->hash, span_of(t->bytes + t->user_bytes, t->password_bytes),
                            &is_right) != WILCO_OK) {
        return refusal(WIRE_REASON_SERVER_UNAVAILABLE, CANNOT_HASH);
    }
    if (is_right && t->is_known) {
        return (struct login_verdict){.reason_code = WIRE_REASON_SUCCESS,
                                      .user = span_of(t->bytes, t->user_bytes),
                                      .is_revocable = true};
    }
    return refusal(WIRE_REASON_BAD_USER_NAME_OR_PASSWORD, WRONG);
}

/* The name of the user, which stood in the token, takes its place. */
static struct login_verdict
judge_token(struct attempt *t)
{
    struct jwt_claims claims;
    struct login_verdict v = tokens_judge(
        t->authority->tokens, &t->authority->tokens_bounds, span_of(t->bytes, t->user_bytes),
        span_of(t->bytes + t->user_bytes, t->password_bytes), clock_unix_ms(), &claims);

    if (v.reason_code == WIRE_REASON_SUCCESS) {
        assert(claims.user_bytes <= t->user_bytes + t->password_bytes);
        t->password_bytes += t->user_bytes - claims.user_bytes;
        t->user_bytes = claims.user_bytes;
        memcpy(t->bytes, claims.user, claims.user_bytes);
        v.user = span_of(t->bytes, t->user_bytes);
    }
    return v;
}

static struct login_verdict
judge(struct attempt *t)
{
    const struct authority *a = t->authority;
    struct login_verdict v;

    if (failures_are_too_many(a->failures, &t->origin, &a->bounds, t->now_ms)) {
        return refusal(WIRE_REASON_CONNECTION_RATE_EXCEEDED, TOO_MANY);
    }
    v = t->is_token ? judge_token(t) : judge_password(t);
    if (v.reason_code == WIRE_REASON_BAD_USER_NAME_OR_PASSWORD) {
        failures_add(a->failures, &t->origin, &a->bounds, t->now_ms);
        v.delay_ms = a->delay_ms;
    }
    return v;
}

static void
run(struct hash_job *job)
{
    struct attempt *t = CONTAINER_OF(job, struct attempt, job);
    const struct login_verdict v = judge(t);

    answer(t, &v);
}

static void
drop(struct hash_job *job)
{
    const struct login_verdict v = refusal(WIRE_REASON_SERVER_UNAVAILABLE, IN_BETWEEN);

    answer(CONTAINER_OF(job, struct attempt, job), &v);
}

static struct attempt *
attempt_new(const struct authority *a, const struct realm *r, const struct login_claim *claim)
{
    struct attempt *t =
        mem_alloc(a->alloc, sizeof(*t) + claim->user_name.len + claim->password.len);

    if (t == NULL) {
        return NULL;
    }
    *t = (struct attempt){
        .job = {.run = run, .drop = drop},
        .answer = {.release = release},
        .alloc = a->alloc,
        .authority = a,
        .is_token = tokens_include(a->tokens, claim->password),
        .origin = *claim->origin,
        .now_ms = claim->now_ms,
        .user_bytes = claim->user_name.len,
        .password_bytes = claim->password.len,
    };
    if (!t->is_token) {
        assert(r != NULL);
        t->hash = *password_file_find(r->passwords, claim->user_name, &t->is_known);
    }
    if (claim->user_name.len > 0) {
        memcpy(t->bytes, claim->user_name.data, claim->user_name.len);
    }
    if (claim->password.len > 0) {
        memcpy(t->bytes + t->user_bytes, claim->password.data, claim->password.len);
    }
    return t;
}

/* In the shards. */

static const struct realm *
find_realm(const struct authority *a, const char *path)
{
    for (size_t i = 0; i < a->realm_count; i++) {
        if (strcmp(a->realms[i].path, path) == 0) {
            return &a->realms[i];
        }
    }
    return NULL;
}

static const struct realm *
realm_of(const struct authority *a, const struct entrance *e)
{
    if (e->password_file[0] != '\0') {
        return find_realm(a, e->password_file);
    }
    return a->has_common ? &a->realms[0] : NULL;
}

/* Whether anything but a password file could say who a client is. */
static bool
knows_others(const struct authority *a)
{
    return a->tokens != NULL || a->scram_users != NULL;
}

static bool
may_be_anonymous(enum entrance_choice general, const struct entrance *e, bool knows_somebody)
{
    enum entrance_choice choice =
        e->allow_anonymous == ENTRANCE_AS_SET ? general : e->allow_anonymous;

    return choice == ENTRANCE_AS_SET ? !knows_somebody : choice == ENTRANCE_YES;
}

static enum login_state
check_password(const struct authority *a, const struct realm *r, const struct login_claim *claim,
               struct login_ticket ticket, struct login_verdict *out)
{
    struct attempt *t = NULL;
    bool is_token = claim->has_password && tokens_include(a->tokens, claim->password);

    if (!is_token && (r == NULL || !claim->has_password || claim->user_name.len == 0)) {
        *out = refusal(WIRE_REASON_BAD_USER_NAME_OR_PASSWORD, WRONG);
        return LOGIN_DECIDED;
    }
    if (failures_are_too_many(a->failures, claim->origin, &a->bounds, claim->now_ms)) {
        *out = refusal(WIRE_REASON_CONNECTION_RATE_EXCEEDED, TOO_MANY);
        return LOGIN_DECIDED;
    }
    t = attempt_new(a, r, claim);
    if (t == NULL) {
        *out = refusal(WIRE_REASON_SERVER_UNAVAILABLE, CANNOT_HASH);
        return LOGIN_DECIDED;
    }
    t->answer.ticket = ticket;
    if (!hash_pool_add(a->pool, &t->job)) {
        secret_wipe(t->bytes, t->user_bytes + t->password_bytes);
        release(&t->answer);
        *out = refusal(WIRE_REASON_SERVER_BUSY, QUEUE_FULL);
        return LOGIN_DECIDED;
    }
    return LOGIN_PENDING;
}

static bool
still_knows(void *context, const struct entrance *entrance, struct span user)
{
    const struct realm *r = realm_of(context, entrance);
    bool is_known = true;

    if (r != NULL) {
        (void)password_file_find(r->passwords, user, &is_known);
    }
    return is_known;
}

/* The certificate has been verified; who has none has not come this far, but there may be no name
 * in it. */
static struct login_verdict
judge_certificate(const struct conn_origin *origin)
{
    if (origin->user[0] == '\0') {
        return refusal(WIRE_REASON_NOT_AUTHORIZED, NO_NAME);
    }
    return (struct login_verdict){.reason_code = WIRE_REASON_SUCCESS,
                                  .user = span_of_text(origin->user)};
}

static enum login_state
check(void *context, const struct login_claim *claim, struct login_ticket ticket,
      struct login_verdict *out)
{
    const struct authority *a = context;
    const struct realm *r = realm_of(a, claim->entrance);
    bool claims_nothing = !claim->has_user_name && !claim->has_password;
    bool knows_somebody = r != NULL || knows_others(a);

    if (claim->entrance->user_is_certified) {
        *out = judge_certificate(claim->origin);
        return LOGIN_DECIDED;
    }
    if (knows_somebody && !claims_nothing) {
        return check_password(a, r, claim, ticket, out);
    }
    if (!may_be_anonymous(a->allow_anonymous, claim->entrance, knows_somebody)) {
        *out = refusal(WIRE_REASON_NOT_AUTHORIZED, NOBODY);
    }
    return LOGIN_DECIDED;
}

/* Its life. */

bool
authority_is_needed(const struct authority_config *config)
{
    bool is_needed = (config->password_file != NULL && config->password_file[0] != '\0') ||
                     (config->scram_file != NULL && config->scram_file[0] != '\0') ||
                     (config->tokens != NULL && config->tokens->file_count > 0) ||
                     config->allow_anonymous == ENTRANCE_NO;

    for (size_t i = 0; i < config->entrance_count; i++) {
        is_needed |= config->entrances[i].password_file[0] != '\0' ||
                     config->entrances[i].allow_anonymous == ENTRANCE_NO ||
                     config->entrances[i].user_is_certified;
    }
    return is_needed;
}

static enum wilco_status
add_realm(struct authority *a, const char *path, const struct authority_config *config,
          char reason[AUTHORITY_REASON_BYTES])
{
    struct realm *r = &a->realms[a->realm_count];
    size_t size = strlen(path) + 1;
    char *copy = NULL;
    char why[PASSWORD_REASON_BYTES] = "out of memory";
    uint64_t seed = 0;
    enum wilco_status status = WILCO_ENOMEM;

    if (find_realm(a, path) != NULL) {
        return WILCO_OK;
    }
    assert(a->realm_count < AUTHORITY_FILES_MAX);
    copy = mem_alloc(a->alloc, size);
    if (copy != NULL) {
        memcpy(copy, path, size);
        *r = (struct realm){.path = copy};
        a->realm_count++;
        status = random_u64(config->random, &seed);
    }
    if (status == WILCO_OK) {
        status = password_file_load(&r->passwords, path, seed, a->alloc, config->random, why);
    }
    if (status != WILCO_OK) {
        (void)snprintf(reason, AUTHORITY_REASON_BYTES, "password_file: %s", why);
    }
    return status;
}

static enum wilco_status
add_realms(struct authority *a, const struct authority_config *config,
           char reason[AUTHORITY_REASON_BYTES])
{
    enum wilco_status status = WILCO_OK;

    if (config->password_file != NULL && config->password_file[0] != '\0') {
        status = add_realm(a, config->password_file, config, reason);
        a->has_common = true;
    }
    for (size_t i = 0; i < config->entrance_count && status == WILCO_OK; i++) {
        if (config->entrances[i].password_file[0] != '\0') {
            status = add_realm(a, config->entrances[i].password_file, config, reason);
        }
    }
    return status;
}

static enum wilco_status
read_scram_users(struct authority *a, const char *path, char reason[AUTHORITY_REASON_BYTES])
{
    char file_why[SECRET_FILE_WHY_BYTES];
    char why[SCRAM_USERS_WHY_BYTES];
    struct buffer text;
    enum wilco_status status =
        secret_file_read(&text, a->alloc, path, true, SECRET_FILE_BYTES_MAX, file_why);

    if (status != WILCO_OK) {
        (void)snprintf(reason, AUTHORITY_REASON_BYTES, "scram_file: %s", file_why);
        return status;
    }
    status = scram_users_read(&a->scram_users, a->alloc, buffer_span(&text), why);
    if (status != WILCO_OK) {
        (void)snprintf(reason, AUTHORITY_REASON_BYTES, "scram_file: %s: %s", path,
                       why[0] == '\0' ? status_text(status) : why);
    }
    secret_file_wipe(&text);
    return status;
}

/* What there is beside password files. */
static enum wilco_status
add_others(struct authority *a, const struct authority_config *config,
           char reason[AUTHORITY_REASON_BYTES])
{
    enum wilco_status status = WILCO_OK;

    a->tokens_bounds = (struct tokens_bounds){.leeway_s = config->settings->jwt_leeway_s,
                                              .bytes_max = config->settings->jwt_bytes_max};
    if (config->scram_file != NULL && config->scram_file[0] != '\0') {
        status = read_scram_users(a, config->scram_file, reason);
    }
    if (status == WILCO_OK && config->tokens != NULL && config->tokens->file_count > 0) {
        status = tokens_new(&a->tokens, config->tokens, a->alloc, reason);
    }
    return status;
}

enum wilco_status
authority_new(struct authority **out, const struct authority_config *config,
              char reason[AUTHORITY_REASON_BYTES])
{
    const struct settings *s = config->settings;
    struct authority *a = mem_zalloc(config->alloc, sizeof(*a));
    uint64_t seed = 0;
    enum wilco_status status = random_u64(config->random, &seed);

    (void)snprintf(reason, AUTHORITY_REASON_BYTES, "out of memory, or of random bytes");
    if (a == NULL) {
        return WILCO_ENOMEM;
    }
    a->alloc = config->alloc;
    a->authenticator =
        (struct authenticator){.context = a, .check = check, .still_knows = still_knows};
    a->allow_anonymous = config->allow_anonymous;
    a->bounds = (struct failures_bounds){.max = s->login_failures_max,
                                         .window_s = s->login_failures_window_s};
    a->delay_ms = (uint32_t)s->login_failure_delay_ms;
    a->failures = failures_new(config->alloc, seed);
    if (status == WILCO_OK && a->failures == NULL) {
        status = WILCO_ENOMEM;
    }
    if (status == WILCO_OK) {
        status = add_realms(a, config, reason);
    }
    if (status == WILCO_OK) {
        status = add_others(a, config, reason);
    }
    if (status == WILCO_OK) {
        a->pool = hash_pool_new((unsigned)s->auth_threads, (size_t)s->auth_queue_max, a->alloc);
        status = a->pool == NULL ? WILCO_ENOMEM : WILCO_OK;
    }
    if (status != WILCO_OK) {
        authority_free(a);
        return status;
    }
    *out = a;
    return WILCO_OK;
}

const struct authenticator *
authority_authenticator(const struct authority *a)
{
    return &a->authenticator;
}

const struct scram_users *
authority_scram_users(const struct authority *a)
{
    return a->scram_users;
}

static bool
may_try(void *context, const struct conn_origin *origin, uint64_t now_ms)
{
    const struct authority *a = context;

    return !failures_are_too_many(a->failures, origin, &a->bounds, now_ms);
}

static void
note_failure(void *context, const struct conn_origin *origin, uint64_t now_ms)
{
    const struct authority *a = context;

    failures_add(a->failures, origin, &a->bounds, now_ms);
}

struct scram_watch
authority_scram_watch(struct authority *a)
{
    return (struct scram_watch){.context = a, .may_try = may_try, .note_failure = note_failure};
}

void
authority_inherit(struct authority *a, struct authority *from)
{
    from->failures = atomic_exchange(&a->failures, from->failures);
}

void
authority_stop(struct authority *a)
{
    if (a->pool != NULL) {
        hash_pool_stop(a->pool);
    }
}

void
authority_free(struct authority *a)
{
    if (a == NULL) {
        return;
    }
    hash_pool_free(a->pool);
    failures_free(a->failures);
    scram_users_free(a->scram_users);
    tokens_free(a->tokens);
    for (size_t i = 0; i < a->realm_count; i++) {
        mem_free(a->alloc, a->realms[i].path);
        password_file_free(a->realms[i].passwords);
    }
    mem_free(a->alloc, a);
}

const char *
authority_exposed_file(const struct authority *a)
{
    for (size_t i = 0; i < a->realm_count; i++) {
        if (password_file_is_exposed(a->realms[i].passwords)) {
            return a->realms[i].path;
        }
    }
    return NULL;
}

size_t
authority_users(const struct authority *a)
{
    size_t sum = 0;

    for (size_t i = 0; i < a->realm_count; i++) {
        sum += password_file_users(a->realms[i].passwords);
    }
    return sum;
}
