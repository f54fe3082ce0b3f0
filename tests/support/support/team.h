#ifndef WILCO_SUPPORT_TEAM_H
#define WILCO_SUPPORT_TEAM_H

#include "support/asking.h"

/* A rig with a requester and a group of members, in different shards, that answers when the test
 * says so. */
#define TEAM_FILTER   "$share/group/service/#"
#define TEAM_TOPIC    "service/x"
#define TEAM_MAX      4
#define TEAM_HELD_MAX 2000

struct team {
    struct rig r;
    struct rig_client asker;
    struct rig_client member[TEAM_MAX];
    char names[TEAM_MAX][RIG_NAME_BYTES];
    char inbox[INBOX_TEXT_BYTES];
    unsigned members;
    unsigned asked; /* the last correlation */
    struct {
        unsigned correlation[TEAM_HELD_MAX];
        unsigned count;
    } held[TEAM_MAX]; /* what each has got and not answered */
};

/* So many members, whose sessions last. NULL: the standard settings. */
void team_open(struct team *t, unsigned shards, unsigned members, const struct settings *settings);
/* Every request has ended, and the requester has had all its responses. */
void team_close(struct team *t);

/* Another request at QoS 0, with a correlation of its own; `user` NULL: no User Property. */
void team_ask(struct team *t, const struct wire_user_property *user);
/* The same; who has got it. */
unsigned team_ask_whom(struct team *t, const struct wire_user_property *user);
/* Takes what has come to a member; how many it has and has not answered. */
unsigned team_take(struct team *t, unsigned member);
/* A member answers the oldest it has. */
void team_respond(struct team *t, unsigned member);
/* The same, and that is the next thing the requester gets. */
void team_answer(struct team *t, unsigned member);
/* All members answer everything. */
void team_answer_all(struct team *t);

#endif
