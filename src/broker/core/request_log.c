#include "broker/core/request_log.h"

#include <inttypes.h>
#include <stdio.h>

#define CORRELATION_BYTES_MAX 32U
#define STEPS_BYTES           120U

/* A correlation as text where it is printable, in hexadecimal digits otherwise. */
struct correlation_text {
    char text[2 * CORRELATION_BYTES_MAX + 8];
};

static const char *
correlation_text(struct correlation_text *out, struct span c)
{
    size_t shown = c.len < CORRELATION_BYTES_MAX ? c.len : CORRELATION_BYTES_MAX;
    bool is_printable = true;
    size_t at = 0;

    for (size_t i = 0; i < shown; i++) {
        is_printable = is_printable && c.data[i] > ' ' && c.data[i] < 0x7F && c.data[i] != '"' &&
                       c.data[i] != '\\';
    }
    for (size_t i = 0; i < shown; i++) {
        at += (size_t)snprintf(out->text + at, sizeof(out->text) - at, is_printable ? "%c" : "%02x",
                               (unsigned)c.data[i]);
    }
    (void)snprintf(out->text + at, sizeof(out->text) - at, "%s", shown < c.len ? "..." : "");
    return out->text;
}

/* A client in this shard by its name, another by the number of its session. */
struct client_text {
    char text[140];
};

static const char *
client_text(struct client_text *out, const struct shard *s, uint64_t session_id)
{
    const struct session *session = session_table_get(&s->sessions, session_id);

    if (session_id_shard(session_id) == s->index && session != NULL) {
        (void)snprintf(out->text, sizeof(out->text), "%s", LOG_TEXT(session_client_id(session)));
    } else {
        (void)snprintf(out->text, sizeof(out->text), "#%" PRIx64, session_id);
    }
    return out->text;
}

static uint64_t
ms_between(uint64_t from_us, uint64_t to_us)
{
    return to_us > from_us ? (to_us - from_us) / 1000 : 0;
}

/* How long each stage took that the request has come to. */
static void
write_steps(char out[STEPS_BYTES], const struct message *m, const struct request *r,
            uint64_t now_us)
{
    size_t at = 0;

    if (r == NULL || r->stage == REQUEST_QUEUED) {
        (void)snprintf(out, STEPS_BYTES, "queue_ms=%" PRIu64, ms_between(m->received_us, now_us));
        return;
    }
    at = (size_t)snprintf(out, STEPS_BYTES, "queue_ms=%" PRIu64,
                          ms_between(m->received_us, r->sent_us));
    if (r->stage == REQUEST_ACKED) {
        at += (size_t)snprintf(out + at, STEPS_BYTES - at, " ack_ms=%" PRIu64,
                               ms_between(r->sent_us, r->acked_us));
    }
    (void)snprintf(out + at, STEPS_BYTES - at, " service_ms=%" PRIu64 " total_ms=%" PRIu64,
                   ms_between(r->sent_us, now_us), ms_between(m->received_us, now_us));
}

struct line {
    char steps[STEPS_BYTES];
    struct correlation_text correlation;
    struct client_text requester;
    struct client_text holder;
};

static void
fill(struct line *line, const struct shard *s, const struct message *m, const struct request *r)
{
    write_steps(line->steps, m, r, s->now_us);
    (void)correlation_text(&line->correlation, message_correlation(m));
    (void)client_text(&line->requester, s, m->publisher);
    line->holder.text[0] = '\0';
    if (r != NULL) {
        (void)client_text(&line->holder, s, r->holder->id);
    }
}

void
request_log_failure(struct shard *s, const struct message *m, const struct request *r,
                    const struct status_facts *facts)
{
    struct line line;

    if (!log_gate_passes(s)) {
        return;
    }
    fill(&line, s, m, r);
    log_event(s->broker->log, LOG_INFO, "request_failed",
              "topic=%s corr=\"%s\" requester=%s%s%s status=%u reason=\"%s\" stage=%s exec=%s %s",
              LOG_TEXT(message_topic(m)), line.correlation.text, line.requester.text,
              r == NULL ? "" : " responder=", line.holder.text, request_failure_status(facts->why),
              request_failure_words(facts->why), request_stage_name(facts->stage),
              facts->maybe ? "maybe" : "no", line.steps);
}

void
request_log_slow(struct shard *s, const struct request *r)
{
    struct line line;

    if (!log_gate_passes(s)) {
        return;
    }
    fill(&line, s, r->message, r);
    log_event(s->broker->log, LOG_INFO, "request_slow",
              "topic=%s corr=\"%s\" requester=%s responder=%s %s",
              LOG_TEXT(message_topic(r->message)), line.correlation.text, line.requester.text,
              line.holder.text, line.steps);
}
