#include "fuzz.h"

#include "broker/server/config/reader.h"

#include <assert.h>

/* Variables with awkward values. */
static const char *
get(void *context, const char *name)
{
    (void)context;
    switch (name[0]) {
    case 'E': return "";
    case 'L': return "mqtt://127.0.0.1:1";
    case 'N': return "\n1 # ${N}";
    default: return NULL;
    }
}

/* A setting that reading has left outside its bounds would be taken by the broker. */
static void
check_bounds(const struct settings *settings)
{
    for (size_t i = 0; settings_row(i).name != NULL; i++) {
        struct setting_row row = settings_row(i);
        uint64_t value = settings_value(settings, i);

        assert(value >= row.min && value <= row.max);
    }
}

/* A problem is one line of printable text that begins with its place. */
static void
check_problems(const struct problems *p)
{
    for (size_t i = 0; i < problems_kept(p); i++) {
        assert(strncmp(p->lines[i], "fuzz.conf:", 10) == 0);
        for (const char *at = p->lines[i]; *at != '\0'; at++) {
            assert((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f);
        }
    }
}

/* What it says is what may be said. */
static void
check_entrance(const struct entrance *e)
{
    struct entrance again = entrance_standard;
    const char *why = NULL;
    enum wilco_status st = WILCO_OK;

    assert(memchr(e->inbox_prefix, '\0', sizeof(e->inbox_prefix)) != NULL);
    st = entrance_set_inbox_prefix(&again, span_of_text(e->inbox_prefix), &why);
    assert(st == WILCO_OK);
    (void)st;
}

/* A configuration file. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config c;
    static struct problems problems;
    const struct config_environment environment = {.get = get};
    struct config_reader r = {.config = &c, .problems = &problems, .environment = &environment};

    config_init(&c);
    problems = (struct problems){.count = 0};
    reader_read(&r, "fuzz.conf", span_of(data, size));
    check_bounds(&c.settings);
    check_problems(&problems);
    assert(c.listen_count <= LISTENERS_MAX);
    for (size_t i = 0; i < c.listen_count; i++) {
        assert(memchr(c.listen[i], '\0', CONFIG_URL_BYTES) != NULL);
        check_entrance(&c.entrances[i]);
    }
    return 0;
}
