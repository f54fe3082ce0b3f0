#include "client/core_private.h"

/* A response that comes in pieces: parts that say where they belong, and then the last response,
 * which says how much it is and has the hash of all. What is put together grows as the pieces come,
 * whatever was announced, up to what the asker takes. */

void
core_restart_chunks(struct request *request)
{
    if (request->upload != NULL) {
        request->upload->sent = 0;
        request->upload->sequence = 0;
    }
    buffer_fini(&request->whole);
    request->parts_seen = 0;
    request->parts_done = 0;
}

static void
fail(struct core *c, struct request *request, enum wilco_status st, const char *why)
{
    request->why = why;
    core_stop_request(c, request, st);
}

static void
take_piece(struct core *c, struct request *request, const struct wilco_message *m,
           const struct chunk_terms *t)
{
    enum wilco_status st = WILCO_OK;

    request->parts_seen++;
    core_arm_stall(c, request);
    if (t->offset != request->whole.len) {
        fail(c, request, WILCO_ELOST, "a piece of the response is missing");
        return;
    }
    request->whole.bytes_max = request->plan.response_bytes_max;
    st = buffer_append(&request->whole, m->payload);
    if (st == WILCO_OK) {
        core_take_parts(c, request->call, 1);
    } else {
        fail(c, request, st,
             st == WILCO_ELIMIT ? "the response is larger than response_bytes_max" : NULL);
    }
}

/* The last response: hands out one message with all of it. */
static void
put_together(struct core *c, struct request *request, const struct wilco_message *m,
             const struct chunk_terms *t)
{
    struct wilco_message *whole = NULL;
    bool is_garbled = false;
    const char *fault = chunk_fault(buffer_span(&request->whole), t, &is_garbled);

    if (fault != NULL) {
        fail(c, request, is_garbled ? WILCO_EPROTOCOL : WILCO_ELOST, fault);
        return;
    }
    whole = message_with_payload(m, &request->whole);
    if (whole == NULL) {
        fail(c, request, WILCO_ENOMEM, NULL);
        return;
    }
    core_take_response(c, request, whole);
    wilco_message_unref(whole);
}

bool
core_take_chunk(struct core *c, struct request *request, struct wilco_message *m)
{
    bool is_part = wilco_message_is_part(m);
    struct chunk_terms t;

    if (request->upload == NULL && request->plan.response_bytes_max == 0) {
        return false;
    }
    t = chunk_terms_of(m);
    if (is_part && request->upload != NULL && t.want != CHUNK_UNSAID) {
        uint64_t call = request->call;

        request->parts_seen++;
        core_send_pieces(c, request, &t);
        core_take_parts(c, call, 1);
        return true;
    }
    if (request->plan.response_bytes_max == 0) {
        return false;
    }
    if (is_part && t.offset != CHUNK_UNSAID) {
        take_piece(c, request, m, &t);
        return true;
    }
    if (!is_part && t.size != CHUNK_UNSAID && t.hash.data != NULL) {
        put_together(c, request, m, &t);
        return true;
    }
    return false;
}
