#include "fuzz.h"

#include "broker/auth/scram_server.h"
#include "link/scram_message.h"

#include <assert.h>

#define KEYS                                                                                       \
    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define USERS "user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==" KEYS "\n"

static struct scram_users *
read_users(void)
{
    struct scram_users *u = NULL;
    char why[SCRAM_USERS_WHY_BYTES];
    enum wilco_status st = scram_users_read(&u, alloc_system(), SPAN_LITERAL(USERS), why);

    assert(st == WILCO_OK);
    (void)st;
    return u;
}

/* A name that is read is written in the same way. */
static void
check_name(struct span written)
{
    char name[SCRAM_NAME_BYTES_MAX];
    char again[SCRAM_NAME_BYTES_MAX];
    size_t len = 0;
    size_t again_len = 0;

    if (scram_name_read(name, &len, written) == WILCO_OK) {
        enum wilco_status st = scram_name_write(again, &again_len, span_of(name, len));

        assert(st == WILCO_OK && span_equal(span_of(again, again_len), written));
        (void)st;
    }
}

static void
check_messages(struct span text)
{
    struct scram_client_first client_first;
    struct scram_server_first server_first;
    struct scram_client_final client_final;
    uint8_t signature[SCRAM_KEY_BYTES];

    if (scram_client_first_read(&client_first, text) == WILCO_OK) {
        assert(client_first.gs2_header.len + client_first.bare.len == text.len);
        assert(client_first.nonce.len <= SCRAM_NONCE_BYTES_MAX);
        check_name(client_first.name);
        check_name(client_first.other_name);
    }
    if (scram_server_first_read(&server_first, text) == WILCO_OK) {
        assert(server_first.iterations >= SCRAM_ITERATIONS_MIN &&
               server_first.iterations <= SCRAM_ITERATIONS_MAX);
        assert(server_first.salt_bytes >= SCRAM_SALT_BYTES_MIN);
    }
    if (scram_client_final_read(&client_final, text) == WILCO_OK) {
        assert(client_final.without_proof.len < text.len);
    }
    if (scram_server_final_read(signature, text) == WILCO_OK) {
        assert(text.len >= 2);
    }
}

/* Nobody guesses a proof. */
static void
run_exchange(struct scram_server *server, struct span first, struct span final)
{
    const struct auth_method method = scram_server_method(server);
    const struct auth_claim claim = {.data = {.is_there = true, .bytes = first}};
    struct auth_verdict verdict = {.outcome = AUTH_FAILED};
    void *exchange = NULL;
    enum wilco_status st = method.start(method.context, &claim, &exchange, &verdict);

    assert(st == WILCO_OK && verdict.outcome != AUTH_SUCCEEDED);
    (void)st;
    if (verdict.outcome == AUTH_CONTINUES) {
        struct scram_server_first said;

        st = scram_server_first_read(&said, verdict.data.bytes);
        assert(st == WILCO_OK);
        method.step(exchange, (struct auth_data){.is_there = true, .bytes = final}, &verdict);
        assert(verdict.outcome == AUTH_FAILED);
    }
    method.finish(exchange);
}

/* Messages of SCRAM, one a line: each is read as all four, and the first two are a client's. A file
 * of users, too. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scram_users *users;
    static struct random_seeded random;
    struct span text = span_of(data, size);
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
    struct span first = end == NULL ? text : span_first(text, (size_t)(end - data));
    struct span final = end == NULL ? SPAN_EMPTY : span_skip(text, first.len + 1);
    struct scram_server server = {.alloc = alloc_system(), .random = &random.source};
    struct scram_users *more = NULL;
    char why[SCRAM_USERS_WHY_BYTES];

    if (users == NULL) {
        users = read_users();
    }
    random_seeded_init(&random, 1);
    server.users = users;
    check_messages(first);
    check_messages(final);
    run_exchange(&server, first, final);
    if (scram_users_read(&more, alloc_system(), text, why) != WILCO_OK) {
        assert(strncmp(why, "line ", 5) == 0);
    }
    scram_users_free(more);
    return 0;
}
