#include "fuzz.h"

#include "broker/core/retained.h"
#include "support/referee.h"

#include <assert.h>

/* One connection, from its first byte to its end, with a referee. The bits of the first byte: which
 * CONNECT is sent (or none: the input has it), how strict the broker is, and in pieces of which
 * size the rest is fed; where a piece would begin with 0xFF, time goes by in its place. */
enum {
    SESSION_S_MAX = 30,
    PAUSE_MS = 4000,
};

struct stage {
    struct rig r; /* made anew only when a message is retained */
    bool is_open;
    struct referee referee;
    struct rig_client c;
    struct referee_line line;
};

static struct stage stages[2];

static struct settings
choose_settings(unsigned choice)
{
    struct settings settings = settings_default();
    bool is_strict = (choice & 0x08U) != 0;

    settings.session_expiry_max_s = SESSION_S_MAX;
    settings.output_bytes_max = 2048;
    settings.packet_bytes_max = is_strict ? 128 : 4096;
    settings.connect_bytes_max = is_strict ? 128 : 4096;
    settings.receive_maximum = is_strict ? 1 : 20;
    settings.maximum_qos = is_strict ? 1 : 2;
    settings.topic_levels_max = is_strict ? 2 : 128;
    settings.user_properties_max = is_strict ? 1 : 256;
    settings.topic_alias_maximum = is_strict ? 1 : 32;
    settings.subscriptions_max = is_strict ? 1 : 10000;
    settings.retain_available = !is_strict;
    settings.wildcard_subscriptions = !is_strict;
    settings.shared_subscriptions = !is_strict;
    settings.subscription_identifiers = !is_strict;
    return settings;
}

static void
look(struct stage *s)
{
    struct wire_any packet;

    while (referee_next(&s->line, &packet)) {
    }
    referee_settled(&s->line);
}

static void
connect_as(struct stage *s, unsigned choice)
{
    static const struct wire_user_property rr = {SPAN_INIT("rr"), SPAN_INIT("1")};
    static const enum wire_version versions[] = {WIRE_V5, WIRE_V5, WIRE_V311, WIRE_V31};
    struct wire_any packet = {.type = WIRE_CONNECT};
    struct wire_connect *how = &packet.as.connect;

    s->c.version = versions[choice & 3U];
    how->version = s->c.version;
    how->clean_start = true;
    how->client_id = SPAN_LITERAL("c");
    how->keep_alive = 10;
    if ((choice & 3U) == 1) {
        how->properties.request_response_information = 1;
        wire_properties_set(&how->properties, WIRE_REQUEST_RESPONSE_INFORMATION);
        how->properties.users = &rr;
        how->properties.user_count = 1;
        wire_properties_set(&how->properties, WIRE_USER_PROPERTY);
    }
    rig_send(&s->c, &packet);
    look(s);
}

/* Pieces of 1 to 64 bytes, or all at once. */
static void
feed(struct stage *s, struct span stream, unsigned choice)
{
    size_t size = choice == 0 ? SIZE_MAX : choice * 4;

    while (stream.len > 0 && s->c.is_open) {
        size_t len = stream.len < size ? stream.len : size;

        rig_send_bytes(&s->c, stream.data, len);
        look(s);
        stream = span_skip(stream, len);
        if (stream.len > 0 && stream.data[0] == 0xFF) { /* no packet begins so, and few go on so */
            rig_advance(&s->r, PAUSE_MS);
            look(s);
            stream = span_skip(stream, 1);
        }
    }
}

static void
open_stage(struct stage *s, unsigned choice)
{
    const struct settings settings = choose_settings(choice);

    if (!s->is_open) {
        rig_open(&s->r, 1, &settings);
        s->is_open = true;
    }
    referee_init(&s->referee);
    rig_client_open(&s->r, &s->c, "c", WIRE_V5);
    referee_open(&s->line, &s->referee, &s->c);
}

static void
close_stage(struct stage *s)
{
    referee_close(&s->line);
    rig_client_close(&s->c);
    rig_advance(&s->r, UINT64_C(1000) * SESSION_S_MAX + 1);
    assert(atomic_load(&s->r.broker.session_count) == 0);
    if (retained_count(s->r.broker.retained) > 0) {
        rig_close(&s->r);
        s->is_open = false;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned choice = size == 0 ? 0 : data[0];
    struct stage *s = &stages[choice >> 3 & 1U];

    if (size == 0) {
        return 0;
    }
    open_stage(s, choice);
    if ((choice & 0x04U) != 0) {
        connect_as(s, choice);
    }
    feed(s, span_of(data + 1, size - 1), choice >> 4);
    close_stage(s);
    return 0;
}
