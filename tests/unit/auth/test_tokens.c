#define _POSIX_C_SOURCE 200809L

#include "broker/auth/tokens.h"

#include "jwt_maker.h"
#include "support/failing_alloc.h"
#include "wire/reason.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW_MS UINT64_C(1767225600500)
#define GOOD   "{\"sub\":\"alice\",\"exp\":1767225700}"

static char folder[] = "/tmp/wilco-tokens-XXXXXX";
static char secret_path[64];
static char key_path[64];
static struct maker_key *key;
static char token_text[MAKER_TOKEN_BYTES];

static const struct tokens_bounds bounds = {.leeway_s = 10, .bytes_max = 8192};

static void
write_file(const char *path, struct span text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.data, text.len), text.len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static int
make_files(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(secret_path, sizeof(secret_path), "%s/secret", folder);
    (void)snprintf(key_path, sizeof(key_path), "%s/key.pem", folder);
    key = maker_key_new(MAKER_P256);
    write_file(secret_path, SPAN_LITERAL(SECRET "\n"), 0600);
    write_file(key_path, maker_key_pem(key, false), 0644);
    return 0;
}

static int
remove_files(void **state)
{
    (void)state;
    maker_key_free(key);
    (void)unlink(secret_path);
    (void)unlink(key_path);
    return rmdir(folder);
}

/* A configuration with both. */
static struct tokens_config
config_of_both(void)
{
    struct tokens_config c = {.file_count = 2, .files[0] = {.is_secret = true, .id = "s"}};

    (void)snprintf(c.files[0].path, sizeof(c.files[0].path), "%s", secret_path);
    (void)snprintf(c.files[1].path, sizeof(c.files[1].path), "%s", key_path);
    return c;
}

static struct tokens *
make(const struct tokens_config *c)
{
    struct tokens *t = NULL;
    char reason[TOKENS_REASON_BYTES];

    if (tokens_new(&t, c, alloc_system(), reason) != WILCO_OK) {
        fail_msg("%s", reason);
    }
    return t;
}

static void
lets_in_until_the_token_ends(void **state)
{
    const struct tokens_config config = config_of_both();
    struct tokens *t = make(&config);

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct jwt_claims claims;
        struct span token =
            maker_sign(token_text, i == 0 ? "{\"alg\":\"HS256\"}" : "{\"alg\":\"ES256\"}", GOOD,
                       i == 0 ? NULL : key, SPAN_LITERAL(SECRET));
        struct login_verdict v = tokens_judge(
            t, &bounds, i == 0 ? SPAN_EMPTY : SPAN_LITERAL("alice"), token, NOW_MS, &claims);

        assert_true(tokens_include(t, token));
        assert_int_equal(v.reason_code, WIRE_REASON_SUCCESS);
        assert_true(span_equal(v.user, SPAN_LITERAL("alice")));
        assert_int_equal(v.valid_ms, 110000 - 500);
    }
    tokens_free(t);
}

static const struct {
    const char *payload, *user_name;
    uint64_t unix_ms;
    const char *why; /* NULL: it is good */
    uint64_t valid_ms;
} rows[] = {
    {GOOD, "", NOW_MS, NULL, 109500},
    {GOOD, "bob", NOW_MS, "the token is about another user than the one in CONNECT", 0},
    {GOOD, "Alice", NOW_MS, "the token is about another user than the one in CONNECT", 0},
    {GOOD, "", UINT64_C(1767225709999), NULL, 1},
    {GOOD, "", UINT64_C(1767225710000), "the token has expired", 0},
    {"{\"sub\":\"alice\",\"exp\":1767225700,\"iss\":\"x\"}", "", NOW_MS, NULL, 109500},
    {"{\"user\":\"alice\",\"exp\":1767225700}", "", NOW_MS, "the token is not valid", 0},
};

static void
says_why_a_token_is_no_good(void **state)
{
    const struct tokens_config config = config_of_both();
    struct tokens *t = make(&config);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwt_claims claims;
        struct span token = maker_sign(token_text, "{\"alg\":\"HS256\",\"kid\":\"s\"}",
                                       rows[i].payload, NULL, SPAN_LITERAL(SECRET));
        struct login_verdict v = tokens_judge(t, &bounds, span_of_text(rows[i].user_name), token,
                                              rows[i].unix_ms, &claims);

        if (rows[i].why != NULL) {
            assert_int_equal(v.reason_code, WIRE_REASON_BAD_USER_NAME_OR_PASSWORD);
            assert_string_equal(v.why, rows[i].why);
            assert_int_equal(v.user.len, 0);
        } else {
            assert_int_equal(v.reason_code, WIRE_REASON_SUCCESS);
            assert_int_equal(v.valid_ms, rows[i].valid_ms);
        }
    }
    tokens_free(t);
}

static void
has_rules_of_its_own(void **state)
{
    struct tokens_config config = config_of_both();
    struct tokens *t = NULL;
    struct jwt_claims claims;
    struct login_verdict v;
    struct span token =
        maker_sign(token_text, "{\"alg\":\"HS256\"}",
                   "{\"upn\":\"bob\",\"exp\":1767225700,\"iss\":\"me\",\"aud\":\"us\"}", NULL,
                   SPAN_LITERAL(SECRET));

    (void)state;
    (void)snprintf(config.issuer, sizeof(config.issuer), "me");
    (void)snprintf(config.audience, sizeof(config.audience), "us");
    (void)snprintf(config.user_claim, sizeof(config.user_claim), "upn");
    t = make(&config);
    v = tokens_judge(t, &bounds, SPAN_EMPTY, token, NOW_MS, &claims);
    assert_int_equal(v.reason_code, WIRE_REASON_SUCCESS);
    assert_true(span_equal(v.user, SPAN_LITERAL("bob")));
    tokens_free(t);
    (void)snprintf(config.issuer, sizeof(config.issuer), "you");
    t = make(&config);
    v = tokens_judge(t, &bounds, SPAN_EMPTY, token, NOW_MS, &claims);
    assert_string_equal(v.why, "the token is for somebody else");
    tokens_free(t);
}

static void
says_which_file_is_wrong(void **state)
{
    struct tokens_config config = config_of_both();
    char reason[TOKENS_REASON_BYTES];
    struct tokens *t = NULL;

    (void)state;
    assert_int_equal(chmod(secret_path, 0644), 0);
    assert_int_equal(tokens_new(&t, &config, alloc_system(), reason), WILCO_EIO);
    assert_non_null(strstr(reason, "jwt_secret_file: /tmp/wilco-tokens-"));
    assert_non_null(strstr(reason, "/secret: its secrets are open to others"));
    assert_int_equal(chmod(secret_path, 0600), 0);
    config.files[1].is_secret = true;
    assert_int_equal(chmod(key_path, 0600), 0);
    assert_int_equal(tokens_new(&t, &config, alloc_system(), reason), WILCO_EINVAL);
    assert_non_null(strstr(reason, "/key.pem: it is a key in PEM, which is no secret"));
    config.files[1].is_secret = false;
    (void)snprintf(config.files[1].path, sizeof(config.files[1].path), "%s", secret_path);
    assert_int_equal(tokens_new(&t, &config, alloc_system(), reason), WILCO_EINVAL);
    assert_non_null(strstr(reason, "/secret: there is no public key in PEM"));
    (void)snprintf(config.files[1].path, sizeof(config.files[1].path), "/no/such/file");
    assert_int_equal(tokens_new(&t, &config, alloc_system(), reason), WILCO_EIO);
    assert_string_equal(reason, "jwt_key_file: /no/such/file: No such file or directory");
    assert_null(strstr(reason, SECRET));
}

static void
survives_every_failing_allocation(void **state)
{
    const struct tokens_config config = config_of_both();
    struct failing_alloc f;
    size_t fail_at = 0;

    (void)state;
    do {
        struct tokens *t = NULL;
        char reason[TOKENS_REASON_BYTES];
        enum wilco_status got = WILCO_OK;

        failing_alloc_init(&f, ++fail_at);
        got = tokens_new(&t, &config, &f.alloc, reason);
        assert_int_equal(got, fail_at > f.attempts ? WILCO_OK : WILCO_ENOMEM);
        tokens_free(t);
        assert_int_equal(f.live, 0);
    } while (fail_at <= f.attempts);
    tokens_free(NULL);
    assert_false(tokens_include(NULL, SPAN_LITERAL("eyJh.eyJ.x")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_in_until_the_token_ends),
        cmocka_unit_test(says_why_a_token_is_no_good),
        cmocka_unit_test(has_rules_of_its_own),
        cmocka_unit_test(says_which_file_is_wrong),
        cmocka_unit_test(survives_every_failing_allocation),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
