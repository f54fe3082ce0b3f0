#define _POSIX_C_SOURCE 200809L

#include "broker/server/config/print.h"

#include "broker/server/config/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What config_print() prints, for free(). */
static char *
printed(size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);

    assert_non_null(out);
    config_print(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* Tests run in the root of the project. */
static void
the_shipped_file_is_what_is_printed(void **state)
{
    size_t len = 0;
    char *want = printed(&len);
    char *got = malloc(len + 1);
    FILE *file = fopen("packaging/wilco.conf", "r");

    (void)state;
    assert_non_null(file);
    assert_non_null(got);
    if (fread(got, 1, len + 1, file) != len || memcmp(got, want, len) != 0) {
        fail_msg("%s", "to bring it up to date: "
                       "build/wilco broker --print-config > packaging/wilco.conf");
    }
    (void)fclose(file);
    free(got);
    free(want);
}

static const char *
get(void *context, const char *name)
{
    (void)context;
    (void)name;
    return NULL;
}

static void
read_config(struct config *c, const char *text, size_t len)
{
    static struct problems problems;
    const struct config_environment environment = {.get = get};
    struct config_reader r = {.config = c, .problems = &problems, .environment = &environment};

    problems = (struct problems){.count = 0};
    reader_read(&r, "wilco.conf", span_of(text, len));
    if (problems.count > 0) {
        fail_msg("%s", problems.lines[0]);
    }
}

/* Takes away the # of lines that are directives; how many there were. */
static size_t
uncomment(char *text, size_t *len)
{
    size_t count = 0;
    size_t out = 0;

    for (size_t i = 0; i < *len; i++) {
        bool is_first = i == 0 || text[i - 1] == '\n';

        if (is_first && text[i] == '#' && text[i + 1] >= 'a' && text[i + 1] <= 'z') {
            count++;
            continue;
        }
        text[out++] = text[i];
    }
    *len = out;
    return count;
}

static size_t
setting_count(void)
{
    size_t count = 0;

    while (settings_row(count).name != NULL) {
        count++;
    }
    return count;
}

static void
assert_is_standard(const struct config *c)
{
    static struct config standard;

    config_init(&standard);
    assert_memory_equal(&c->settings, &standard.settings, sizeof(c->settings));
    assert_int_equal(c->shards, standard.shards);
    assert_int_equal(c->log_level, standard.log_level);
    assert_int_equal(c->allow_anonymous, standard.allow_anonymous);
    assert_int_equal(c->has_sandbox, standard.has_sandbox);
    assert_int_equal(c->core_dumps, standard.core_dumps);
}

/* Reading begins with other values, so that those that nothing sets would be seen. */
static void
without_its_comments_it_is_the_defaults(void **state)
{
    static struct config c;
    size_t len = 0;
    char *text = printed(&len);

    (void)state;
    config_init(&c);
    read_config(&c, text, len); /* as it is, it says nothing */
    assert_is_standard(&c);
    assert_int_equal(c.listen_count, 0);

    memset(&c, 1, sizeof(c));
    c.listen_count = 0;
    c.allow_anonymous = ENTRANCE_AS_SET; /* which no line says */
    c.has_sandbox = false;
    assert_int_equal(uncomment(text, &len), setting_count() + 14);
    read_config(&c, text, len);
    assert_is_standard(&c);
    assert_int_equal(c.listen_count, 1);
    assert_string_equal(c.listen[0], CONFIG_LISTEN);
    assert_true(entrance_equal(&c.entrances[0], &entrance_standard));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_file_is_what_is_printed),
        cmocka_unit_test(without_its_comments_it_is_the_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
