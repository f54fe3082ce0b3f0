#include "client/journal_record.h"

#include "base/hash.h"

#include <assert.h>

#define LENGTH_BYTES   4U
#define CHECKSUM_BYTES 8U
#define FRAME_BYTES    (LENGTH_BYTES + CHECKSUM_BYTES)
#define FIXED_BYTES    14U /* kind, QoS, deadline, two lengths */

static void
put(uint8_t **at, uint64_t number, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--) {
        *(*at)++ = (uint8_t)(number >> (8 * (i - 1)));
    }
}

static void
put_span(uint8_t **at, struct span bytes)
{
    if (bytes.len > 0) {
        memcpy(*at, bytes.data, bytes.len);
        *at += bytes.len;
    }
}

static uint64_t
get(const uint8_t *at, size_t bytes)
{
    uint64_t number = 0;

    for (size_t i = 0; i < bytes; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

/* The length is part of it. */
static uint64_t
checksum(struct span body)
{
    return hash_bytes(body, body.len);
}

enum wilco_status
journal_record_append(struct buffer *b, const struct journal_record *r)
{
    size_t len = FIXED_BYTES + r->topic.len + r->correlation.len + r->answer.len;
    enum wilco_status st = buffer_reserve(b, FRAME_BYTES + len);
    uint8_t *at = NULL;
    uint8_t *body = NULL;

    assert(r->topic.len <= UINT16_MAX && r->correlation.len <= UINT16_MAX && len <= UINT32_MAX);
    if (st != WILCO_OK) {
        return st;
    }
    body = b->data + b->len + FRAME_BYTES;
    at = body;
    put(&at, r->kind, 1);
    put(&at, r->qos, 1);
    put(&at, r->deadline_ms, 8);
    put(&at, r->topic.len, 2);
    put(&at, r->correlation.len, 2);
    put_span(&at, r->topic);
    put_span(&at, r->correlation);
    put_span(&at, r->answer);
    at = b->data + b->len;
    put(&at, len, LENGTH_BYTES);
    put(&at, checksum(span_of(body, len)), CHECKSUM_BYTES);
    b->len += FRAME_BYTES + len;
    return WILCO_OK;
}

static bool
read_body(struct span body, struct journal_record *out)
{
    size_t topic_len = (size_t)get(body.data + 10, 2);
    size_t correlation_len = (size_t)get(body.data + 12, 2);
    struct span rest = span_skip(body, FIXED_BYTES);

    if (body.data[0] < JOURNAL_STARTED || body.data[0] > JOURNAL_SENT ||
        topic_len + correlation_len > rest.len) {
        return false;
    }
    *out = (struct journal_record){
        .kind = (enum journal_kind)body.data[0],
        .qos = body.data[1],
        .deadline_ms = get(body.data + 2, 8),
        .topic = span_first(rest, topic_len),
        .correlation = span_first(span_skip(rest, topic_len), correlation_len),
        .answer = span_skip(rest, topic_len + correlation_len),
    };
    return true;
}

bool
journal_record_next(struct span *in, struct journal_record *out)
{
    struct span body;
    size_t len = 0;

    if (in->len < FRAME_BYTES + FIXED_BYTES) {
        return false;
    }
    len = (size_t)get(in->data, LENGTH_BYTES);
    if (len < FIXED_BYTES || len > in->len - FRAME_BYTES) {
        return false;
    }
    body = span_first(span_skip(*in, FRAME_BYTES), len);
    if (get(in->data + LENGTH_BYTES, CHECKSUM_BYTES) != checksum(body) || !read_body(body, out)) {
        return false;
    }
    *in = span_skip(*in, FRAME_BYTES + len);
    return true;
}
