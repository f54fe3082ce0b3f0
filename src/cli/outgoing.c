#define _POSIX_C_SOURCE 200809L

#include "cli/outgoing.h"

#include "cli/exit_code.h"
#include "cli/payload.h"
#include "cli/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct option outgoing_rows[] = {
    {"topic", 't', "TOPIC", "instead of the first word", option_text,
     offsetof(struct outgoing, topic)},
    {"message", 'm', "PAYLOAD", "instead of the second word", option_text,
     offsetof(struct outgoing, message)},
    {"file", 'f', "FILE", "the payload is what the file holds", option_text,
     offsetof(struct outgoing, file)},
    {"stdin", 's', NULL, "the payload is standard input, as with -", option_flag,
     offsetof(struct outgoing, from_stdin)},
    {"null", 'n', NULL, "no payload (also when none is given)", option_flag,
     offsetof(struct outgoing, is_empty)},
    {.name = NULL},
};

static int
take_words(struct outgoing *o, char **words, size_t count, const char *url_topic)
{
    size_t used = 0;

    if (o->topic == NULL) {
        o->topic = url_topic;
    }
    if (o->topic == NULL && count > used) {
        o->topic = words[used++];
    }
    if (o->topic == NULL) {
        return options_wrong("which topic?");
    }
    if (count > used && o->message == NULL) {
        o->message = words[used++];
        if (strcmp(o->message, "-") == 0) {
            o->message = NULL;
            o->from_stdin = true;
        }
    }
    return count == used ? 0 : options_wrong("\"%s\" is one word too many", words[used]);
}

static int
read_payload(struct outgoing *o)
{
    int error = 0;
    const char *name = o->file != NULL ? o->file : "standard input";
    size_t len = 0;
    bool done = o->file != NULL ? payload_read_file(o->file, &o->payload_memory, &len, &error)
                                : payload_read(stdin, &o->payload_memory, &len, &error);

    if (!done) {
        say("cannot read %s: %s", name, say_errno(error).text);
        return EXIT_CODE_USAGE;
    }
    o->payload = (struct wilco_bytes){o->payload_memory, len};
    return 0;
}

/* What the library would refuse too, but with less to say. */
static int
check_topic(const char *topic)
{
    if (*topic == '\0') {
        return options_wrong("the topic is empty");
    }
    if (strpbrk(topic, "+#") != NULL) {
        return options_wrong("topic \"%s\": only subscriptions may have the wildcards + and #",
                             topic);
    }
    return 0;
}

int
outgoing_complete(struct outgoing *o, char **words, size_t word_count, const char *url_topic)
{
    int exit_code = take_words(o, words, word_count, url_topic);
    int sources =
        (o->message != NULL) + (o->file != NULL) + o->from_stdin + o->is_empty + o->by_line;

    if (exit_code == 0) {
        exit_code = check_topic(o->topic);
    }
    if (exit_code != 0) {
        return exit_code;
    }
    if (sources > 1) {
        return options_wrong("the payload is given more than once");
    }
    if (o->file != NULL || o->from_stdin) {
        return read_payload(o);
    }
    if (o->message != NULL) {
        o->payload = (struct wilco_bytes){o->message, strlen(o->message)};
    }
    return 0;
}

struct wilco_publish
outgoing_publish(const struct outgoing *o)
{
    const struct properties *p = &o->properties;

    return (struct wilco_publish){
        .topic = o->topic,
        .payload = o->payload,
        .qos = (uint8_t)o->qos.value,
        .retain = o->retain,
        .is_utf8 = p->is_utf8,
        .has_expiry = p->expiry_s.is_set,
        .expiry_s = p->expiry_s.value,
        .content_type = p->content_type,
        .response_topic = p->response_topic,
        .correlation_data = p->correlation_data,
        .user_properties = p->user,
        .user_property_count = p->user_count,
    };
}

struct wilco_request
outgoing_request(const struct outgoing *o)
{
    const struct properties *p = &o->properties;

    return (struct wilco_request){
        .topic = o->topic,
        .payload = o->payload,
        .qos = (uint8_t)o->qos.value,
        .qos_0 = o->qos.value == 0,
        .is_utf8 = p->is_utf8,
        .content_type = p->content_type,
        .response_topic = p->response_topic,
        .correlation_data = p->correlation_data,
        .user_properties = p->user,
        .user_property_count = p->user_count,
    };
}

void
outgoing_fini(struct outgoing *o)
{
    properties_fini(&o->properties);
    free(o->payload_memory);
    *o = (struct outgoing){0};
}
