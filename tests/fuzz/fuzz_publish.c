#include "fuzz.h"

#include "wire/publish.h"
#include "wire/topic.h"
#include "wire/utf8.h"

#include <assert.h>

/* What the rest of the house relies on once a PUBLISH has been decoded. */
static void
check(const struct wire_publish *p)
{
    assert(p->qos <= 2 && (p->qos > 0) == (p->packet_id != 0));
    assert(utf8_is_valid(p->topic));
    assert(p->topic.len > 0 || wire_properties_has(&p->properties, WIRE_TOPIC_ALIAS));
    if (wire_properties_has(&p->properties, WIRE_RESPONSE_TOPIC)) {
        assert(topic_name_is_valid(p->properties.response_topic));
    }
    if (wire_properties_has(&p->properties, WIRE_SUBSCRIPTION_IDENTIFIER)) {
        assert(p->properties.subscription_identifier != 0);
    }
}

/* The upper four bits of the selector are the flags. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in;
    struct wire_publish p;

    if (!fuzz_input_read(&in, data, size)) {
        return 0;
    }
    if (fuzz_round_trip(WIRE_PUBLISH, (uint8_t)(in.choice >> 2), &in)) {
        assert(wire_publish_decode(&p, (uint8_t)(in.choice >> 2), in.body, in.version) == WILCO_OK);
        check(&p);
    }
    return 0;
}
