/* The table of faults, in a broker without sockets: whole, and byte by byte. */
#include "faults.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct core_line {
    struct rig rig;
    struct rig_client client;
    bool in_bytes; /* each comes alone */
};

static void
start(void *context, const struct settings *settings)
{
    struct core_line *l = context;

    rig_open(&l->rig, 1, settings);
}

static void
stop(void *context)
{
    struct core_line *l = context;

    rig_close(&l->rig);
}

static void
open_client(void *context, enum wire_version version)
{
    struct core_line *l = context;

    rig_client_open(&l->rig, &l->client, "f", version);
}

static void
send_bytes(void *context, struct span bytes)
{
    struct core_line *l = context;
    size_t step = l->in_bytes ? 1 : bytes.len;

    for (; bytes.len > 0 && !rig_client_is_ended(&l->client); bytes = span_skip(bytes, step)) {
        rig_send_bytes(&l->client, bytes.data, step);
    }
}

static enum fault_next
next(void *context, struct wire_any *out)
{
    struct core_line *l = context;

    if (rig_next(&l->client, out)) {
        return FAULT_PACKET;
    }
    return rig_client_is_ended(&l->client) ? FAULT_END : FAULT_SILENCE;
}

static void
close_client(void *context)
{
    struct core_line *l = context;

    rig_client_close(&l->client);
}

static void
run(const char *name, bool in_bytes)
{
    struct core_line l = {.in_bytes = in_bytes};
    const struct fault_line line = {
        .name = name,
        .start = start,
        .stop = stop,
        .open = open_client,
        .send = send_bytes,
        .next = next,
        .close = close_client,
        .context = &l,
    };
    struct fault_table t;

    fault_table_load(&t);
    faults_run(&t, &line);
    fault_table_free(&t);
}

static void
each_fault_has_its_reason_code(void **state)
{
    (void)state;
    run("whole", false);
}

static void
also_when_it_comes_byte_by_byte(void **state)
{
    (void)state;
    run("byte by byte", true);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_reason_code),
        cmocka_unit_test(also_when_it_comes_byte_by_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
