#include "broker/core/service_terms.h"

#include "wire/packet.h"
#include "wire/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define USERS_MAX   8U
#define BLOCK_BYTES 8192U
#define A16         "aaaaaaaaaaaaaaaa"
#define A64         A16 A16 A16 A16

struct terms_case {
    const char *users[2 * USERS_MAX]; /* names and values */
    const char *why;                  /* a part of it; NULL: it is right */
    const char *name;
    const char *version;
    const char *meta;
};

static const struct terms_case rows[] = {
    {{NULL}, NULL, "", "", "{}"},
    {{"rr-service", "a"}, NULL, "a", "", "{}"},
    {{"rr-service", "A-z_09", "rr-version", "1.2.3-rc+~"}, NULL, "A-z_09", "1.2.3-rc+~", "{}"},
    {{"rr-service", A64, "rr-version", A64}, NULL, A64, A64, "{}"},
    {{"rr-meta", "k=v", "rr-service", "a", "rr-meta", "l="},
     NULL,
     "a",
     "",
     "{\"k\":\"v\",\"l\":\"\"}"},
    {{"rr-service", "a", "rr-meta", "k==\""}, NULL, "a", "", "{\"k\":\"=\\\"\"}"},
    {{"rr-version", "", "rr-meta", "x"}, NULL, "", "", NULL}, /* for none */
    {{"rr-service", "a", "rr-unknown", ""}, NULL, "a", "", "{}"},
    {{"rr-service", ""}, "rr-service", NULL, NULL, NULL},
    {{"rr-service", A64 "a"}, "rr-service", NULL, NULL, NULL},
    {{"rr-service", "a.b"}, "rr-service", NULL, NULL, NULL},
    {{"rr-service", "a/b"}, "rr-service", NULL, NULL, NULL},
    {{"rr-service", "gr\xC3\xBCn"}, "rr-service", NULL, NULL, NULL},
    {{"rr-service", "a", "rr-service", "a"}, "rr-service", NULL, NULL, NULL},
    {{"rr-service", "a", "rr-version", ""}, "rr-version", NULL, NULL, NULL},
    {{"rr-service", "a", "rr-version", A64 "a"}, "rr-version", NULL, NULL, NULL},
    {{"rr-service", "a", "rr-version", "1 0"}, "rr-version", NULL, NULL, NULL},
    {{"rr-service", "a", "rr-version", "\x7F"}, "rr-version", NULL, NULL, NULL},
    {{"rr-service", "a", "rr-version", "1", "rr-version", "1"}, "rr-version", NULL, NULL, NULL},
    {{"rr-service", "a", "rr-description", "", "rr-description", "x"},
     "rr-description",
     NULL,
     NULL,
     NULL},
    {{"rr-service", "a", "rr-meta", "=v"}, "rr-meta", NULL, NULL, NULL},
    {{"rr-service", "a", "rr-meta", ""}, "rr-meta", NULL, NULL, NULL},
    {{"rr-service", "a", "rr-meta", "k=1", "rr-meta", "l=1", "rr-meta", "k=2"},
     "same key",
     NULL,
     NULL,
     NULL},
};

/* As decoded. */
static struct wire_properties
properties_of(const struct wire_user_property *users, size_t count, uint8_t room[BLOCK_BYTES])
{
    struct wire_properties p = {.users = users, .user_count = count};
    struct wire_writer w = wire_writer_init(room, BLOCK_BYTES);
    struct wire_reader r;
    struct wire_properties out;
    size_t len = 0;

    if (count > 0) {
        wire_properties_set(&p, WIRE_USER_PROPERTY);
    }
    wire_properties_encode(&w, &p);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    r = wire_reader_init(span_of(room, len));
    wire_properties_decode(&out, &r, WIRE_SUBSCRIBE);
    assert_int_equal(wire_reader_finish(&r), WILCO_OK);
    return out;
}

static void
check_meta(const struct wire_properties *p, const char *want)
{
    struct buffer meta;

    for (size_t ceiling = strlen(want) - 1; ceiling <= strlen(want); ceiling++) {
        buffer_init(&meta, alloc_system(), ceiling);
        assert_int_equal(service_terms_write_meta(p, &meta),
                         ceiling < strlen(want) ? WILCO_ELIMIT : WILCO_OK);
        if (ceiling == strlen(want)) {
            assert_true(span_equal(buffer_span(&meta), span_of_text(want)));
        }
        buffer_fini(&meta);
    }
}

static void
they_are_read(void **state)
{
    uint8_t room[BLOCK_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wire_user_property users[USERS_MAX];
        struct wire_properties p;
        struct service_terms terms;
        const char *why = NULL;
        size_t count = 0;

        for (; rows[i].users[2 * count] != NULL; count++) {
            users[count].name = span_of_text(rows[i].users[2 * count]);
            users[count].value = span_of_text(rows[i].users[2 * count + 1]);
        }
        p = properties_of(users, count, room);
        assert_int_equal(service_terms_read(&terms, &p, &why),
                         rows[i].why == NULL ? WILCO_OK : WILCO_EPROTOCOL);
        if (rows[i].why != NULL) {
            assert_non_null(strstr(why, rows[i].why));
            continue;
        }
        assert_true(span_equal(terms.name, span_of_text(rows[i].name)));
        assert_true(span_equal(terms.version, span_of_text(rows[i].version)));
        if (rows[i].meta != NULL) {
            check_meta(&p, rows[i].meta);
        }
    }
}

static void
there_may_be_so_many_meta(void **state)
{
    static uint8_t room[BLOCK_BYTES];
    struct wire_user_property users[SERVICE_META_MAX + 2];
    char keys[SERVICE_META_MAX + 2][8];

    (void)state;
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        keys[i][0] = (char)('0' + i / 10);
        keys[i][1] = (char)('0' + i % 10);
        keys[i][2] = '=';
        users[i] = (struct wire_user_property){SPAN_INIT("rr-meta"), span_of(keys[i], 3)};
    }
    users[0] = (struct wire_user_property){SPAN_INIT("rr-service"), SPAN_INIT("a")};
    for (size_t count = SERVICE_META_MAX; count <= SERVICE_META_MAX + 1; count++) {
        struct wire_properties p = properties_of(users, count + 1, room);
        struct service_terms terms;
        const char *why = NULL;

        assert_int_equal(service_terms_read(&terms, &p, &why),
                         count <= SERVICE_META_MAX ? WILCO_OK : WILCO_EPROTOCOL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_read),
        cmocka_unit_test(there_may_be_so_many_meta),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
