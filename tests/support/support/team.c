#include "support/team.h"

#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void
team_open(struct team *t, unsigned shards, unsigned members, const struct settings *settings)
{
    static const char *const prefixes[TEAM_MAX] = {"one", "two", "three", "four"};

    memset(t, 0, sizeof(*t));
    t->members = members;
    rig_open(&t->r, shards, settings);
    asker_connect(&t->r, &t->asker, "asker", ASKER_FULL, t->inbox);
    for (unsigned i = 0; i < members; i++) {
        rig_name_in(&t->r, i, prefixes[i], t->names[i]);
        rig_resume(&t->r, &t->member[i], t->names[i], false);
        rig_subscribe(&t->member[i], TEAM_FILTER, 1);
    }
}

void
team_close(struct team *t)
{
    rig_expect_nothing(&t->asker);
    audit_requests_ended(&t->r);
    for (unsigned i = 0; i < t->members; i++) {
        rig_client_close(&t->member[i]);
    }
    rig_client_close(&t->asker);
    rig_close(&t->r);
}

void
team_ask(struct team *t, const struct wire_user_property *user)
{
    char correlation[16];

    (void)snprintf(correlation, sizeof(correlation), "%u", ++t->asked);
    ask(&t->asker, &(struct ask){.topic = TEAM_TOPIC,
                                 .response_topic = t->inbox,
                                 .correlation = correlation,
                                 .users = user,
                                 .user_count = user != NULL});
}

static unsigned
number_of(struct span digits)
{
    char text[16] = "";

    assert_true(digits.len < sizeof(text));
    memcpy(text, digits.data, digits.len);
    return (unsigned)strtoul(text, NULL, 10);
}

unsigned
team_take(struct team *t, unsigned i)
{
    struct wire_any packet;

    while (rig_next(&t->member[i], &packet)) {
        assert_int_equal(packet.type, WIRE_PUBLISH);
        assert_true(t->held[i].count < TEAM_HELD_MAX);
        t->held[i].correlation[t->held[i].count++] =
            number_of(packet.as.publish.properties.correlation_data);
    }
    return t->held[i].count;
}

/* Takes the oldest off what a member has. */
static void
pop(struct team *t, unsigned i, char correlation[16])
{
    assert_true(t->held[i].count > 0);
    (void)snprintf(correlation, 16, "%u", t->held[i].correlation[0]);
    memmove(t->held[i].correlation, t->held[i].correlation + 1,
            --t->held[i].count * sizeof(t->held[i].correlation[0]));
}

static void
respond_to(struct team *t, unsigned i, const char *correlation)
{
    struct wire_publish request = {.properties.response_topic = span_of_text(t->inbox)};

    request.properties.correlation_data = span_of_text(correlation);
    wire_properties_set(&request.properties, WIRE_CORRELATION_DATA);
    respond(&t->member[i], &request, "answer", 0, 0);
}

void
team_respond(struct team *t, unsigned i)
{
    char correlation[16];

    pop(t, i, correlation);
    respond_to(t, i, correlation);
}

void
team_answer(struct team *t, unsigned i)
{
    char correlation[16];

    pop(t, i, correlation);
    respond_to(t, i, correlation);
    expect_response(&t->asker, correlation, "answer");
}

void
team_answer_all(struct team *t)
{
    for (unsigned i = 0; i < t->members; i++) {
        while (team_take(t, i) > 0) {
            team_answer(t, i);
        }
    }
}

unsigned
team_ask_whom(struct team *t, const struct wire_user_property *user)
{
    unsigned before[TEAM_MAX];

    for (unsigned i = 0; i < t->members; i++) {
        before[i] = team_take(t, i);
    }
    team_ask(t, user);
    for (unsigned i = 0; i < t->members; i++) {
        if (team_take(t, i) > before[i]) {
            return i;
        }
    }
    fail_msg("nobody has got it");
    return 0;
}
