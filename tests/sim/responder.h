#ifndef WILCO_SIM_RESPONDER_H
#define WILCO_SIM_RESPONDER_H

#include "actor.h"

enum {
    JOBS_MAX = 256,
    SENT_MAX = 64,
};

/* A request that a responder has been handed, for as long as it remembers. */
struct job {
    struct inquiry *inquiry;
    unsigned session;    /* in which it was handed */
    unsigned connection; /* likewise */
    unsigned more;       /* responses that may come before the last one */
    unsigned lasts;      /* last responses that it has given */
    bool is_declined;    /* in its acknowledgement */
};

/* What the broker must say to a response. */
enum fate {
    FATE_OPEN,  /* it depends on what the model does not know */
    FATE_DUE,   /* it is accepted */
    FATE_NEVER, /* it is refused */
};

struct sent_response {
    uint16_t packet_id; /* 0: QoS 0, or the place is free */
    enum fate fate;
    unsigned number;
};

/* Is handed requests, acknowledges them or not, answers them well or badly, or not at all. */
struct responder {
    struct actor actor;
    const struct responder *all; /* by number */
    bool is_alone;               /* has one/<name> */
    bool is_in_group;            /* shares group/+ */
    bool is_in_fan;              /* has fan/+ */
    bool has_fan_twice;          /* and fan/#: it is to get one copy all the same */
    bool is_in_mix;              /* has mix/+ */
    bool shares_mix;             /* shares mix/#, maybe as well */
    uint8_t qos;                 /* of its subscriptions */
    bool declines;               /* now and then */
    bool swallows;               /* all that it is handed */
    struct job jobs[JOBS_MAX];
    unsigned job_count;
    struct sent_response sent[SENT_MAX];
    unsigned sent_count; /* ever */
};

void responder_init(struct responder *r, struct ledger *l, const struct responder *all,
                    unsigned number);
/* The broker has waited for a response to it all the time since it was handed. */
bool responder_is_waited_for(const struct responder *r, const struct job *job);
/* The one of this request, in the present session; NULL: there is none. */
struct job *responder_job(struct responder *r, unsigned number);
/* Does something with one of its jobs. */
void responder_act(struct responder *r);
/* Leaves its group, or joins it again. */
void responder_change_group(struct responder *r);

#endif
