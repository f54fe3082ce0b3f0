/* The client protocol of NATS, so that its server can be measured beside brokers. A subject is a
 * topic with dots. The payload of every message begins with its word. */
#include "load/dialect.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_BYTES 512U

/* The last characters of every line. */
#define END_BYTES 2U

static void
subject_of(char out[PLACE_BYTES], const struct place *p)
{
    memcpy(out, p->text, PLACE_BYTES);
    for (char *slash = strchr(out, '/'); slash != NULL; slash = strchr(slash, '/')) {
        *slash = '.';
    }
}

static void
hello(struct outbox *out, const struct introduction *who)
{
    char line[LINE_BYTES];
    char subject[PLACE_BYTES];

    subject_of(subject, &who->listens);
    (void)snprintf(line, sizeof(line),
                   "CONNECT {\"verbose\":false,\"pedantic\":false,\"name\":\"%s\"}\r\n",
                   who->client_id);
    outbox_text(out, line);
    if (subject[0] != '\0') {
        (void)snprintf(line, sizeof(line), "SUB %s %s 1\r\n", subject,
                       who->group == NULL ? "" : who->group);
        outbox_text(out, line);
    }
    outbox_text(out, "PING\r\n");
}

static enum wilco_status
greet(struct outbox *out, const struct introduction *who, const struct arrival *a,
      struct terms *terms)
{
    (void)out;
    (void)who;
    (void)terms;
    if (a->kind == ARRIVAL_PONG) {
        return WILCO_OK;
    }
    return a->kind == ARRIVAL_GOODBYE ? WILCO_EREFUSED : WILCO_AGAIN;
}

static bool
begins_with(struct span line, const char *text)
{
    return line.len >= strlen(text) && memcmp(line.data, text, strlen(text)) == 0;
}

/* Cuts the next word off a line. */
static struct span
next_word(struct span *line)
{
    const uint8_t *space = memchr(line->data, ' ', line->len);
    struct span word = space == NULL ? *line : span_of(line->data, (size_t)(space - line->data));

    *line = span_skip(*line, space == NULL ? line->len : word.len + 1);
    return word;
}

static size_t
number_of(struct span digits)
{
    size_t n = 0;

    for (size_t i = 0; i < digits.len; i++) {
        n = n * 10 + (size_t)(digits.data[i] - '0');
    }
    return n;
}

/* MSG <subject> <sid> [reply-to] <bytes> */
static enum wilco_status
open_message(struct span *in, struct span line, struct arrival *a)
{
    struct span rest = span_skip(*in, line.len + END_BYTES);
    struct span last;
    size_t bytes = 0;

    a->kind = ARRIVAL_MESSAGE;
    a->reply_to = SPAN_EMPTY;
    line = span_skip(line, 4);
    (void)next_word(&line);
    (void)next_word(&line);
    last = next_word(&line);
    if (line.len > 0) {
        a->reply_to = last;
        last = line;
    }
    bytes = number_of(last);
    if (rest.len < bytes + END_BYTES) {
        return WILCO_AGAIN;
    }
    if (bytes < WORD_BYTES) {
        return WILCO_EMALFORMED;
    }
    a->word = rest.data;
    a->payload = span_of(rest.data + WORD_BYTES, bytes - WORD_BYTES);
    *in = span_skip(rest, bytes + END_BYTES);
    return WILCO_OK;
}

static enum wilco_status
cut(struct span *in, struct arrival *a)
{
    const uint8_t *end = memchr(in->data, '\n', in->len);
    struct span line;

    if (end == NULL || end == in->data) {
        return end == NULL ? WILCO_AGAIN : WILCO_EMALFORMED;
    }
    line = span_of(in->data, (size_t)(end - in->data) - 1);
    a->qos = 0;
    a->reason_code = 0;
    if (begins_with(line, "MSG ")) {
        return open_message(in, line, a);
    }
    *in = span_skip(*in, line.len + END_BYTES);
    a->kind = begins_with(line, "PING")   ? ARRIVAL_PING
              : begins_with(line, "PONG") ? ARRIVAL_PONG
              : begins_with(line, "-ERR") ? ARRIVAL_GOODBYE
              : begins_with(line, "INFO") ? ARRIVAL_WELCOME
                                          : ARRIVAL_OTHER;
    a->body = line;
    return WILCO_OK;
}

static enum wilco_status
draw(struct stencil *s, const struct wording *w)
{
    char line[LINE_BYTES];
    char to[PLACE_BYTES];
    char reply_to[PLACE_BYTES];
    bool is_request = w->reply_to.text[0] != '\0';
    size_t bytes = w->payload_bytes + (is_request ? WORD_BYTES : 0);
    enum wilco_status status = WILCO_EINVAL;

    subject_of(to, &w->to);
    subject_of(reply_to, &w->reply_to);
    (void)snprintf(line, sizeof(line), "PUB %s %s%s%zu\r\n", to, reply_to, is_request ? " " : "",
                   bytes);
    if (w->qos > 0 || w->retain || bytes < WORD_BYTES) {
        return status;
    }
    status = stencil_init(s, strlen(line) + bytes + END_BYTES);
    if (status == WILCO_OK) {
        memcpy(s->bytes, line, strlen(line));
        memcpy(s->bytes + s->len - END_BYTES, "\r\n", END_BYTES);
        s->word_at = strlen(line);
    }
    return status;
}

/* How `n` is written, right-aligned; returns where it begins. */
static size_t
digits_of(size_t n, uint8_t digits[20])
{
    size_t at = 20;

    do {
        digits[--at] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return at;
}

static uint8_t *
put(uint8_t *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

static void
answer(struct outbox *out, const struct arrival *a, uint16_t packet_id)
{
    uint8_t digits[20];
    size_t bytes = WORD_BYTES + a->payload.len;
    size_t first = digits_of(bytes, digits);
    size_t count = sizeof(digits) - first;
    uint8_t *at =
        outbox_claim(out, 4 + a->reply_to.len + 1 + count + END_BYTES + bytes + END_BYTES);

    (void)packet_id;
    if (at == NULL) {
        return;
    }
    at = put(at, "PUB ", 4);
    at = put(at, a->reply_to.data, a->reply_to.len);
    at = put(at, " ", 1);
    at = put(at, digits + first, count);
    at = put(at, "\r\n", END_BYTES);
    at = put(at, a->word, bytes); /* the payload lies behind the word */
    (void)put(at, "\r\n", END_BYTES);
}

static void
acknowledge(struct outbox *out, const struct arrival *a)
{
    (void)out;
    (void)a;
}

static void
pong(struct outbox *out)
{
    outbox_text(out, "PONG\r\n");
}

const struct dialect dialect_nats = {
    .name = "nats",
    .hello = hello,
    .greet = greet,
    .cut = cut,
    .draw = draw,
    .answer = answer,
    .acknowledge = acknowledge,
    .pong = pong,
};
