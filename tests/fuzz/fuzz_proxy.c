#include "fuzz.h"

#include "net/proxy_header.h"

#include <assert.h>

/* The first byte says which versions are taken; the header, and what comes behind it, is the rest.
 * What is taken is taken at one length only, and nothing is known of one that is refused. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header h;
    struct proxy_header again;
    const char *why = NULL;
    struct span bytes;
    enum wilco_status st;
    unsigned versions;

    if (size < 1) {
        return 0;
    }
    bytes = span_of(data + 1, size - 1);
    versions = data[0] % 3U + 1U;
    st = proxy_header_read(&h, bytes, versions, &why);
    if (st == WILCO_OK) {
        char text[ADDRESS_TEXT_BYTES];

        assert(h.bytes > 0 && h.bytes <= bytes.len && h.bytes <= PROXY_HEADER_BYTES_MAX);
        address_text(&h.source, text);
        assert(proxy_header_read(&again, span_first(bytes, h.bytes), versions, &why) == WILCO_OK);
        assert(again.bytes == h.bytes && strcmp(again.user, h.user) == 0);
        assert(proxy_header_read(&again, span_first(bytes, h.bytes - 1), versions, &why) ==
               WILCO_AGAIN);
    } else if (st == WILCO_AGAIN) {
        assert(bytes.len < PROXY_HEADER_BYTES_MAX);
    } else {
        assert(st == WILCO_EMALFORMED && why != NULL);
    }
    assert(st == WILCO_OK || (h.source.len == 0 && h.user[0] == '\0' && h.bytes == 0));
    return 0;
}
