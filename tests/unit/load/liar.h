#ifndef WILCO_TEST_LOAD_LIAR_H
#define WILCO_TEST_LOAD_LIAR_H

#include "load/load.h"

#include <pthread.h>
#include <stdatomic.h>

/* A relay of frames on a thread of its own that does wrong once, with message number `at` to a room
 * of one kind (enum place_kind): responses, or plain messages. */
enum lie {
    LIE_NONE,
    LIE_TWICE,      /* sends it twice */
    LIE_NEVER,      /* drops it */
    LIE_LATE,       /* keeps it for a while, and sends it with a later one */
    LIE_WORD,       /* another word, which nobody has sent */
    LIE_SHORT,      /* a byte less payload */
    LIE_ELSEWHERE,  /* to another member of the same kind */
    LIE_NONSENSE,   /* bytes that are no frame */
    LIE_CLOSE,      /* closes the connection instead */
    LIE_NO_WELCOME, /* closes at the first hello */
};

struct liar {
    pthread_t thread;
    enum lie lie;
    unsigned kind;
    uint64_t at;
    uint64_t late_ns;
    int listener;
    int wake[2]; /* a pipe that ends the thread */
    char url[160];
};

/* Listens when it returns. */
void liar_start(struct liar *l);
void liar_stop(struct liar *l);

/* Runs a load of frames against a liar; a failure of the run fails the test. */
void liar_run(struct liar *l, const struct load_options *options, struct load_result *out);

#endif
