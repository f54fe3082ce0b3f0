#include "cli/mock.h"

#include "cli/exit_code.h"
#include "cli/memory.h"
#include "cli/pair_map.h"
#include "cli/recording.h"
#include "cli/say.h"

#include <stdlib.h>
#include <string.h>

/* What was answered to one topic and payload. */
struct script {
    size_t *requests; /* places in the recording */
    size_t count, at;
};

struct mock {
    struct recording recording;
    struct pair_map *by_request; /* numbers of scripts, by topic and payload */
    struct script *scripts;
    size_t script_count;
    struct wilco_user_property *users; /* of the last reply */
};

static struct script *
script_of(struct mock *m, const struct view *request)
{
    uint64_t number = m->script_count;

    if (!pair_map_get(m->by_request, request->topic, request->payload, &number)) {
        pair_map_put(m->by_request, request->topic, request->payload, number);
        m->scripts = memory_grow(m->scripts, m->script_count + 1, sizeof(*m->scripts));
        m->scripts[m->script_count++] = (struct script){0};
    }
    return &m->scripts[number];
}

static void
learn(struct mock *m)
{
    for (size_t i = 0; i < m->recording.count; i++) {
        const struct exchange *e = &m->recording.all[i];

        if (exchange_is_request(e) && recording_answer(&m->recording, i) != NULL) {
            struct script *s = script_of(m, &e->message);

            s->requests = memory_grow(s->requests, s->count + 1, sizeof(*s->requests));
            s->requests[s->count++] = i;
        }
    }
}

int
mock_load(struct mock **out, const char *path)
{
    struct mock *m = memory_get(1, sizeof(*m));
    int exit_code = recording_load(&m->recording, path);

    m->by_request = pair_map_new(0);
    learn(m);
    if (exit_code == EXIT_CODE_OK && m->script_count == 0) {
        say("%s: no request in it has an answer", path);
        exit_code = EXIT_CODE_USAGE;
    }
    if (exit_code != EXIT_CODE_OK) {
        mock_free(m);
        m = NULL;
    }
    *out = m;
    return exit_code;
}

void
mock_free(struct mock *m)
{
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < m->script_count; i++) {
        free(m->scripts[i].requests);
    }
    free(m->scripts);
    free(m->users);
    pair_map_free(m->by_request);
    recording_fini(&m->recording);
    free(m);
}

/* What the library says of its answers it says of these, too. */
static size_t
take_users(struct mock *m, const struct view *answer)
{
    size_t count = 0;

    free(m->users);
    m->users = memory_get(answer->user_property_count, sizeof(*m->users));
    for (size_t i = 0; i < answer->user_property_count; i++) {
        const struct view_pair *pair = &answer->user_properties[i];

        if (!exchange_is_librarys(pair)) {
            m->users[count++] = (struct wilco_user_property){pair->name.data, pair->value.data};
        }
    }
    return count;
}

bool
mock_answer(struct mock *m, const struct wilco_message *request, struct wilco_reply *reply)
{
    const struct view *answer;
    struct script *s;
    uint64_t number = 0;

    if (!pair_map_get(m->by_request, wilco_message_topic(request), wilco_message_payload(request),
                      &number)) {
        return false;
    }
    s = &m->scripts[number];
    answer = &recording_answer(&m->recording, s->requests[s->at])->message;
    s->at += s->at + 1 < s->count;
    *reply = (struct wilco_reply){
        .payload = answer->payload,
        .status = answer->status,
        .status_text = exchange_user_property(answer, "__stMsg"),
        .is_utf8 = answer->is_utf8,
        .content_type = answer->content_type.data,
        .user_property_count = take_users(m, answer),
    };
    reply->user_properties = m->users;
    return true;
}
