#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void
scene_open(struct scene *s, unsigned shards, const struct settings *settings, unsigned kind)
{
    rig_open(&s->r, shards, settings);
    asker_connect(&s->r, &s->asker, "asker", kind, s->inbox);
    rig_client_connect(&s->r, &s->responder, "responder");
    rig_subscribe(&s->responder, "service/+", 2);
}

void
scene_close(struct scene *s)
{
    rig_client_close(&s->asker);
    rig_client_close(&s->responder);
    rig_close(&s->r);
}

void
scene_text(const struct scene *s, char out[SCENE_TEXT_BYTES], const char *pattern)
{
    const char *hole = strstr(pattern, "%s");
    size_t before = hole == NULL ? strlen(pattern) : (size_t)(hole - pattern);

    assert_true(strlen(pattern) + strlen(s->inbox) < SCENE_TEXT_BYTES);
    (void)snprintf(out, SCENE_TEXT_BYTES, "%.*s%s%s", (int)before, pattern,
                   hole == NULL ? "" : s->inbox, hole == NULL ? "" : hole + 2);
}

void
scene_answer(struct scene *s, const char *response_topic, const char *payload, bool retain)
{
    struct wire_any request;

    ask(&s->asker,
        &(struct ask){
            .topic = "service/x", .response_topic = response_topic, .correlation = "c", .qos = 0});
    expect_request(&s->responder, true, &request);
    ask(&s->responder, &(struct ask){.topic = response_topic,
                                     .correlation = "c",
                                     .payload = payload,
                                     .qos = 2,
                                     .packet_id = 5,
                                     .retain = retain});
    rig_expect_ack(&s->responder, WIRE_PUBREC, 5, 0);
    rig_ack(&s->responder, WIRE_PUBREL, 5);
    rig_expect_ack(&s->responder, WIRE_PUBCOMP, 5, 0);
}

void
scene_exchange(struct scene *s, const char *rest, const char *payload)
{
    char topic[SCENE_TEXT_BYTES];

    (void)snprintf(topic, sizeof(topic), "%s%s", s->inbox, rest);
    scene_answer(s, topic, payload, false);
    expect_response(&s->asker, "c", payload);
    rig_expect_nothing(&s->asker);
}
