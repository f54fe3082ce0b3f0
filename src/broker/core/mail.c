#include "broker/core/mail.h"

#include "broker/core/deliver.h"

struct mail *
mail_new(const struct wilco_alloc *a, struct message *m, uint32_t targets, uint32_t identifiers)
{
    struct mail *mail = NULL;

    mail = mem_alloc(a, sizeof(*mail) + targets * sizeof(struct target) +
                            identifiers * sizeof(uint32_t));
    if (mail != NULL) {
        *mail = (struct mail){
            .alloc = a,
            .message = message_ref(m),
            .target_count = targets,
            .identifier_count = identifiers,
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
mail_identifiers(struct mail *mail)
{
    return (uint32_t *)(void *)&mail->targets[mail->target_count];
}

void
target_deliver(struct shard *s, struct message *m, const struct target *t,
               const uint32_t *identifiers)
{
    const struct delivery_terms terms = {
        .qos = t->qos,
        .retain = t->retain,
        .identifier_count = t->identifier_count,
        .identifiers = t->identifier_count == 0 ? NULL : identifiers + t->identifier_at,
    };
    struct session *session = session_table_get(&s->sessions, t->session_id);

    if (session != NULL) {
        deliver(session, m, &terms);
    }
}

void
mail_deliver(struct shard *s, struct mail *mail)
{
    const uint32_t *identifiers = mail_identifiers(mail);

    for (uint32_t i = 0; i < mail->target_count; i++) {
        target_deliver(s, mail->message, &mail->targets[i], identifiers);
    }
}
