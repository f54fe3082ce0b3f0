#include "cli/ask_options.h"

#include "cli/exit_code.h"

#include <stdint.h>
#include <string.h>

#define LARGE_BYTES (64U << 20)

static const char *
take_replies(void *field, struct option_input *in)
{
    struct option_input ahead = *in;
    const char *word = option_take(&ahead);

    if (word != NULL && strcmp(word, "all") == 0) {
        *in = ahead;
        *(struct option_number *)field = (struct option_number){UINT32_MAX, true};
        return NULL;
    }
    return option_count(field, in) == NULL ? NULL : "a number from 1, or all";
}

#define FIELD(name) offsetof(struct ask_options, name)
const struct option ask_rows[] = {
    {"timeout", 'W', "DURATION", "how long to wait for the answer, or the last\none (default 10s)",
     option_duration_ms, FIELD(timeout_ms)},
    {"wait", 0, "DURATION", "so long there may be nobody who answers, before\nthat",
     option_duration_ms, FIELD(wait_ms)},
    {"retries", 0, "NUMBER", "ask again so often, if it was not executed or is\n--idempotent",
     option_count, FIELD(retries)},
    {"hedge", 0, "DURATION",
     "ask once more if no answer has come by then, and\ntake the first one (needs --idempotent)",
     option_duration_ms, FIELD(hedge_ms)},
    {"idempotent", 0, NULL, "it may be executed again if a responder is lost", option_flag,
     FIELD(idempotent)},
    {"wait-if-offline", 0, NULL, "keep it for responders that are offline and whose\nsessions last",
     option_flag, FIELD(wait_if_offline)},
    {"fail-if-offline", 0, NULL, "it has failed when who has it goes offline", option_flag,
     FIELD(fail_if_offline)},
    {"fail-fast", 0, NULL, "do not wait for a connection, either", option_flag, FIELD(fail_fast)},
    {"partition", 0, "TEXT", "those with the same text go to the same responder\nof a group",
     option_text, FIELD(partition)},
    {.name = NULL},
};

const struct option ask_answers_rows[] = {
    {"replies", 0, "NUMBER|all", "wait for so many answers", take_replies, FIELD(replies)},
    {"scatter", 0, NULL, "everybody answers who gets it, not just the first", option_flag,
     FIELD(scatter)},
    {"stall", 0, "DURATION", "end when so long no other answer has come", option_duration_ms,
     FIELD(stall_ms)},
    {"until-empty", 0, NULL, "end with an empty answer", option_flag, FIELD(until_empty)},
    {"parts", 0, "NUMBER",
     "take an answer in parts, so many on their way at a\ntime, and write each as it comes",
     option_count, FIELD(parts)},
    {"large", 0, "BYTES",
     "the largest answer to be taken in pieces, where it\nfits into no packet; 0: none (default "
     "64M)",
     option_bytes, FIELD(large)},
    {.name = NULL},
};

static bool
has_many_answers(const struct ask_options *o)
{
    return o->scatter || (o->replies.is_set && o->replies.value > 1);
}

int
ask_options_check(const struct ask_options *o)
{
    if (o->hedge_ms.is_set && !o->idempotent) {
        return options_wrong("--hedge may have it executed twice: it needs --idempotent");
    }
    if (o->parts.is_set && has_many_answers(o)) {
        return options_wrong("--parts is for one answer, not for --replies or --scatter");
    }
    if (o->large.is_set && has_many_answers(o)) {
        return options_wrong("--large is for one answer, not for --replies or --scatter");
    }
    if (!has_many_answers(o) && !o->parts.is_set && (o->stall_ms.is_set || o->until_empty)) {
        return options_wrong("--stall and --until-empty need --replies, --scatter or --parts");
    }
    return EXIT_CODE_OK;
}

void
ask_options_apply(const struct ask_options *o, struct wilco_request *request)
{
    request->timeout_ms = o->timeout_ms.value;
    request->responder_wait_ms = o->wait_ms.value;
    request->retries_max = o->retries.value;
    request->hedge_after_ms = o->hedge_ms.value;
    request->idempotent = o->idempotent;
    request->wait_if_offline = o->wait_if_offline;
    request->fail_if_offline = o->fail_if_offline;
    request->fail_fast = o->fail_fast;
    request->partition = o->partition;
    request->responses_max = o->replies.value;
    request->scatter = o->scatter;
    request->stall_ms = o->stall_ms.value;
    request->until_empty = o->until_empty;
    request->parts_max = o->parts.value;
    if (!has_many_answers(o)) {
        request->response_bytes_max = o->large.is_set ? o->large.value : LARGE_BYTES;
    }
}
