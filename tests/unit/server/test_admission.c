#include "broker/server/admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOBODY "nobody can connect"
#define USERS  "tests/fuzz/corpus/password_file/mosquitto"

/* A broker with one listener, or none: is there something to ask, or what is wrong? */
static const struct {
    const char *listen; /* NULL: the standard one */
    enum entrance_choice general, here;
    const char *common, *own; /* password files */
    bool is_asked;
    const char *problem;
} rows[] = {
    {NULL, ENTRANCE_AS_SET, ENTRANCE_AS_SET, NULL, NULL, false, NULL},
    {NULL, ENTRANCE_YES, ENTRANCE_AS_SET, NULL, NULL, false, NULL},
    {NULL, ENTRANCE_NO, ENTRANCE_AS_SET, NULL, NULL, false, NOBODY},
    {NULL, ENTRANCE_NO, ENTRANCE_AS_SET, USERS, NULL, true, NULL},
    {NULL, ENTRANCE_AS_SET, ENTRANCE_AS_SET, USERS, NULL, true, NULL},
    {"mqtt://127.0.0.1:0", ENTRANCE_AS_SET, ENTRANCE_AS_SET, NULL, NULL, false, NULL},
    {"mqtt://127.0.0.1:0", ENTRANCE_AS_SET, ENTRANCE_NO, NULL, NULL, false, NOBODY},
    {"mqtt://127.0.0.1:0", ENTRANCE_NO, ENTRANCE_AS_SET, NULL, NULL, false, NOBODY},
    {"mqtt://127.0.0.1:0", ENTRANCE_YES, ENTRANCE_NO, NULL, NULL, false, NOBODY},
    {"mqtt://127.0.0.1:0", ENTRANCE_NO, ENTRANCE_YES, NULL, NULL, true, NULL},
    {"mqtt://127.0.0.1:0", ENTRANCE_AS_SET, ENTRANCE_AS_SET, NULL, USERS, true, NULL},
    {"mqtt://127.0.0.1:0", ENTRANCE_NO, ENTRANCE_NO, NULL, USERS, true, NULL},
    {"mqtt://127.0.0.1:0", ENTRANCE_NO, ENTRANCE_NO, USERS, NULL, true, NULL},
    {NULL, ENTRANCE_AS_SET, ENTRANCE_AS_SET, "/nowhere", NULL, false, "/nowhere"},
    {"mqtt://127.0.0.1:0", ENTRANCE_AS_SET, ENTRANCE_AS_SET, NULL, "/nowhere", false, "/nowhere"},
};

static void
set_path(char *out, size_t size, const char *path)
{
    (void)snprintf(out, size, "%s", path == NULL ? "" : path);
}

static void
says_who_must_be_asked(void **state)
{
    static struct config c;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static struct problems p;
        void *object = NULL;

        p = (struct problems){.count = 0};
        config_init(&c);
        c.allow_anonymous = rows[i].general;
        set_path(c.password_file, sizeof(c.password_file), rows[i].common);
        if (rows[i].listen != NULL) {
            c.listen_count = 1;
            set_path(c.listen[0], sizeof(c.listen[0]), rows[i].listen);
            c.entrances[0] = entrance_standard;
            c.entrances[0].allow_anonymous = rows[i].here;
            set_path(c.entrances[0].password_file, sizeof(c.entrances[0].password_file),
                     rows[i].own);
        }
        if (admission.prepare(&object, &c, &p) != (rows[i].problem == NULL) ||
            (object != NULL) != rows[i].is_asked) {
            fail_msg("row %zu: %s", i, p.count == 0 ? "" : p.lines[0]);
        }
        if (rows[i].problem != NULL) {
            assert_int_equal(p.count, 1);
            assert_non_null(strstr(p.lines[0], rows[i].problem));
        }
        if (object != NULL) {
            admission.discard(object);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_who_must_be_asked)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
