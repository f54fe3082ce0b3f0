#include "broker/core/mail.h"

#include "broker/core/deliver.h"
#include "broker/core/inbox.h"
#include "broker/core/request.h"
#include "broker/core/request_op.h"
#include "broker/core/share.h"

struct mail *
mail_new(const struct wilco_alloc *a, struct message *m, uint32_t targets, uint32_t words)
{
    struct mail *mail = NULL;

    mail = mem_alloc(a, sizeof(*mail) + targets * sizeof(struct target) + words * sizeof(uint32_t));
    if (mail != NULL) {
        *mail = (struct mail){
            .alloc = a,
            .message = m == NULL ? NULL : message_ref(message_share(m)),
            .target_count = targets,
            .word_count = words,
        };
    }
    return mail;
}

void
mail_free(struct mail *mail)
{
    message_unref(mail->message);
    mem_free(mail->alloc, mail);
}

uint32_t *
mail_words(struct mail *mail)
{
    return (uint32_t *)(void *)&mail->targets[mail->target_count];
}

/* Opens the request that the copy is, which may end it here. */
static bool
open_request(struct session *session, struct message *m, const struct target *t,
             const uint32_t *own, struct request **out)
{
    const struct request_way way = {
        .service = own[t->is_shared],
        .group = t->is_shared ? own[0] : 0,
        .qos = t->qos,
        .was_sent = t->was_sent,
    };

    return request_open(session, m, &way, out);
}

enum wilco_status
target_deliver(struct shard *s, struct message *m, const struct target *t, const uint32_t *words)
{
    const uint32_t *own = target_words(t) == 0 ? NULL : words + t->word_at;
    struct delivery_terms terms = {
        .qos = t->qos,
        .retain = t->retain,
        .identifier_count = t->identifier_count,
        .group = t->is_shared ? own[0] : 0,
        .identifiers = t->identifier_count == 0 ? NULL : own + t->is_shared + t->is_request,
    };
    struct session *session = session_table_get(&s->sessions, t->session_id);

    if (session == NULL) {
        if (t->is_request) {
            request_not_opened(s, m, REQUEST_LOST, t->was_sent);
        }
        return WILCO_OK;
    }
    if (t->is_request && !open_request(session, m, t, own, &terms.request)) {
        return WILCO_OK;
    }
    if (t->is_inbox) {
        inbox_deliver(session, m, terms.request);
        return WILCO_OK;
    }
    return deliver(session, m, &terms);
}

bool
target_send(struct shard *s, struct message *m, const struct target *t, const uint32_t *words)
{
    unsigned shard = session_id_shard(t->session_id);
    struct mail *mail = NULL;

    if (shard == s->index) {
        return target_deliver(s, m, t, words) == WILCO_OK;
    }
    mail = mail_new(s->broker->alloc, m, 1, target_words(t));
    if (mail == NULL) {
        return false;
    }
    mail->targets[0] = *t;
    mail->targets[0].word_at = 0;
    if (target_words(t) > 0) {
        memcpy(mail_words(mail), words + t->word_at, target_words(t) * sizeof(*words));
    }
    mailbox_push(&s->broker->shards[shard]->inbox, &mail->node);
    s->kicks |= UINT64_C(1) << shard;
    return true;
}

/* What a session of another shard has to say about its requests. */
static void
hear(struct shard *s, struct message *word, uint64_t asker)
{
    if (word == NULL) {
        request_op_cancel_all(s, asker);
    } else {
        request_op_arrives(s, word);
    }
}

bool
mail_deliver(struct shard *s, struct mail *mail)
{
    const uint32_t *words = mail_words(mail);

    if (WILCO_UNLIKELY(mail->target_count >= SHARD_CROWD)) {
        shard_open_lane(s);
    }
    for (; mail->next < mail->target_count; mail->next++) {
        const struct target *t = &mail->targets[mail->next];

        if (WILCO_UNLIKELY(t->is_word)) {
            hear(s, mail->message, t->session_id);
            continue;
        }
        if (t->is_shared && t->is_request) {
            share_arrived(s, t->session_id);
        }
        if (t->is_shared && share_redirect(s, mail->message, t, words[t->word_at])) {
            continue;
        }
        if (target_deliver(s, mail->message, t, words) != WILCO_OK) {
            return false;
        }
    }
    return true;
}
