#include "broker/core/mail.h"

#include "broker/core/deliver.h"
#include "broker/core/share.h"

struct mail *
mail_new(const struct wilco_alloc *a, struct message *m, uint32_t targets, uint32_t words)
{
    struct mail *mail = NULL;

    mail = mem_alloc(a, sizeof(*mail) + targets * sizeof(struct target) + words * sizeof(uint32_t));
    if (mail != NULL) {
        *mail = (struct mail){
            .alloc = a,
            .message = message_ref(m),
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

void
target_deliver(struct shard *s, struct message *m, const struct target *t, const uint32_t *words)
{
    const uint32_t *own = target_words(t) == 0 ? NULL : words + t->word_at;
    const struct delivery_terms terms = {
        .qos = t->qos,
        .retain = t->retain,
        .identifier_count = t->identifier_count,
        .group = t->is_shared ? own[0] : 0,
        .identifiers = t->identifier_count == 0 ? NULL : own + t->is_shared,
    };
    struct session *session = session_table_get(&s->sessions, t->session_id);

    if (session != NULL) {
        deliver(session, m, &terms);
    }
}

void
mail_deliver(struct shard *s, struct mail *mail)
{
    const uint32_t *words = mail_words(mail);

    for (uint32_t i = 0; i < mail->target_count; i++) {
        const struct target *t = &mail->targets[i];

        if (!t->is_shared || !share_redirect(s, mail->message, words[t->word_at], t->session_id)) {
            target_deliver(s, mail->message, t, words);
        }
    }
}
