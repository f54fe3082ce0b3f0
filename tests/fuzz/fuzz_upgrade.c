#include "fuzz.h"

#include "net/http_upgrade.h"

#include <assert.h>

/* The first byte says whether the rest is a request (0) or a server's answer. What is taken is
 * taken at one length only, and is asked for at all smaller ones; what we answer to a request is
 * taken by our own client. */

static void
check_request(struct span bytes)
{
    static const struct upgrade_terms terms = {.path = "/mqtt", .origins = "https://a http://b:1"};
    struct upgrade_request r;
    struct upgrade_request again;
    char answer[UPGRADE_ANSWER_BYTES];
    char why[UPGRADE_WHY_BYTES];
    size_t len = 0;
    size_t answer_len = 0;

    if (upgrade_request_read(&r, bytes, &terms) == WILCO_AGAIN) {
        assert(bytes.len < UPGRADE_BYTES_MAX);
        return;
    }
    answer_len = upgrade_answer_write(answer, &r);
    assert((r.status == UPGRADE_SWITCHING) == (r.bytes > 0));
    if (r.status != UPGRADE_SWITCHING) {
        return;
    }
    assert(r.bytes <= bytes.len && r.bytes <= UPGRADE_BYTES_MAX);
    assert(upgrade_request_read(&again, span_first(bytes, r.bytes), &terms) == WILCO_OK);
    assert(again.status == UPGRADE_SWITCHING && again.bytes == r.bytes);
    assert(upgrade_request_read(&again, span_first(bytes, r.bytes - 1), &terms) == WILCO_AGAIN);
    if (strcmp(r.protocol, "mqtt") == 0) {
        assert(upgrade_answer_read(span_of(answer, answer_len), r.key, &len, why) == WILCO_OK);
        assert(len == answer_len);
    }
}

static void
check_answer(struct span bytes)
{
    static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
    char why[UPGRADE_WHY_BYTES] = "";
    size_t len = 0;
    enum wilco_status st = upgrade_answer_read(bytes, key, &len, why);

    if (st == WILCO_OK) {
        assert(len > 0 && len <= bytes.len);
        assert(upgrade_answer_read(span_first(bytes, len - 1), key, &len, why) == WILCO_AGAIN);
    } else if (st == WILCO_AGAIN) {
        assert(bytes.len < UPGRADE_BYTES_MAX);
    } else {
        assert(st == WILCO_EPROTOCOL && why[0] != '\0' && strlen(why) < sizeof(why));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 0) {
        check_request(span_of(data + 1, size - 1));
    } else if (size > 0) {
        check_answer(span_of(data + 1, size - 1));
    }
    return 0;
}
