#include "broker/core/auth.h"

#include <assert.h>

const struct auth_method *
auth_method_find(const struct broker *b, struct span name)
{
    for (size_t i = 0; i < b->auth_method_count; i++) {
        if (span_equal(span_of_text(b->auth_methods[i].name), name)) {
            return &b->auth_methods[i];
        }
    }
    return NULL;
}

struct auth *
auth_new(const struct wilco_alloc *alloc, const struct auth_method *m, struct span connect)
{
    struct auth *a = mem_zalloc(alloc, sizeof(*a));

    if (a == NULL) {
        return NULL;
    }
    a->alloc = alloc;
    a->method = m;
    a->ends_ms = UINT64_MAX;
    if (connect.len == 0) {
        return a;
    }
    a->connect = mem_alloc(alloc, connect.len);
    a->connect_bytes = connect.len;
    if (a->connect == NULL) {
        mem_free(alloc, a);
        return NULL;
    }
    memcpy(a->connect, connect.data, connect.len);
    return a;
}

void
auth_free(struct auth *a)
{
    if (a != NULL) {
        auth_finish(a);
        mem_free(a->alloc, a->connect);
        mem_free(a->alloc, a->user);
        mem_free(a->alloc, a);
    }
}

enum wilco_status
auth_start(struct auth *a, const struct auth_claim *claim, struct auth_verdict *verdict)
{
    enum wilco_status status = WILCO_OK;

    assert(a->exchange == NULL);
    *verdict = (struct auth_verdict){.outcome = AUTH_CONTINUES};
    status = a->method->start(a->method->context, claim, &a->exchange, verdict);
    a->data = verdict->data;
    return status;
}

void
auth_step(struct auth *a, struct auth_data answer, struct auth_verdict *verdict)
{
    assert(a->exchange != NULL);
    *verdict = (struct auth_verdict){.outcome = AUTH_CONTINUES};
    a->method->step(a->exchange, answer, verdict);
    a->data = verdict->data;
}

void
auth_finish(struct auth *a)
{
    if (a->exchange != NULL) {
        a->method->finish(a->exchange);
    }
    a->exchange = NULL;
    a->data = (struct auth_data){.is_there = false};
}

enum wilco_status
auth_adopt_user(struct auth *a, struct span user)
{
    assert(user.len > 0);
    if (a->user != NULL) {
        return span_equal(span_of(a->user, a->user_bytes), user) ? WILCO_OK : WILCO_EINVAL;
    }
    a->user = mem_alloc(a->alloc, user.len);
    if (a->user == NULL) {
        return WILCO_ENOMEM;
    }
    memcpy(a->user, user.data, user.len);
    a->user_bytes = user.len;
    return WILCO_OK;
}

void
auth_forget_connect(struct auth *a)
{
    mem_free(a->alloc, a->connect);
    a->connect = NULL;
    a->connect_bytes = 0;
}

void
auth_fill(const struct auth *a, struct wire_properties *v)
{
    v->authentication_method = span_of_text(a->method->name);
    wire_properties_set(v, WIRE_AUTHENTICATION_METHOD);
    if (a->data.is_there) {
        v->authentication_data = a->data.bytes;
        wire_properties_set(v, WIRE_AUTHENTICATION_DATA);
    }
}
