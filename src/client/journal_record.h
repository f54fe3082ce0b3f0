#ifndef WILCO_CLIENT_JOURNAL_RECORD_H
#define WILCO_CLIENT_JOURNAL_RECORD_H

#include "base/buffer.h"

/* What a journal is made of: a header, and one record after the other, each with its length and a
 * checksum, so that one that was not written to its end is known. Numbers have their high byte
 * first. */
enum journal_kind {
    JOURNAL_STARTED = 1,  /* the handler may have it from now on */
    JOURNAL_ANSWERED = 2, /* and this is what was answered */
    JOURNAL_SENT = 3,     /* which has arrived */
};

struct journal_record {
    enum journal_kind kind;
    uint8_t qos;                    /* of the request */
    uint64_t deadline_ms;           /* the requester's, by the wall clock; UINT64_MAX: none */
    struct span topic, correlation; /* where the answer goes */
    struct span answer;             /* JOURNAL_ANSWERED: the PUBLISH; empty: it was not kept */
};

#define JOURNAL_HEADER SPAN_LITERAL("wilco journal 1\n")

/* WILCO_ELIMIT, WILCO_ENOMEM; then nothing was appended. */
WILCO_MUST_CHECK enum wilco_status journal_record_append(struct buffer *b,
                                                         const struct journal_record *r);
/* Cuts the next record off `*in`, and `*out` borrows it. false: there is none, or one that is not
 * whole; `*in` stays where that begins. */
bool journal_record_next(struct span *in, struct journal_record *out);

#endif
