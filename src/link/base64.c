#include "link/base64.h"

#include <assert.h>
#include <openssl/evp.h>

#define INPUT_BYTES_MAX (1U << 20)
#define GROUP_CHARS     4U
#define GROUP_BYTES     3U

size_t
base64_encode(char *out, struct span bytes)
{
    assert(bytes.len <= INPUT_BYTES_MAX);
    if (bytes.len == 0) {
        out[0] = '\0';
        return 0;
    }
    return (size_t)EVP_EncodeBlock((unsigned char *)out, bytes.data, (int)bytes.len);
}

/* The next group in the standard alphabet, padded. False: it is written in another one. */
static bool
take_group(unsigned char group[GROUP_CHARS], struct span text, enum base64_alphabet alphabet)
{
    size_t len = text.len < GROUP_CHARS ? text.len : GROUP_CHARS;

    memset(group, '=', GROUP_CHARS);
    memcpy(group, text.data, len);
    if (alphabet == BASE64_STANDARD) {
        return len == GROUP_CHARS;
    }
    for (size_t i = 0; i < len; i++) {
        if (group[i] == '+' || group[i] == '/' || group[i] == '=') {
            return false;
        }
        group[i] = group[i] == '-' ? '+' : group[i] == '_' ? '/' : group[i];
    }
    return len > 1;
}

/* Bytes of a group; 0: it is none. */
static size_t
decode_group(unsigned char bytes[GROUP_BYTES], const unsigned char group[GROUP_CHARS])
{
    unsigned char again[GROUP_CHARS + 1];
    size_t padding = (size_t)(group[3] == '=') + (size_t)(group[3] == '=' && group[2] == '=');

    if (EVP_DecodeBlock(bytes, group, GROUP_CHARS) != (int)GROUP_BYTES) {
        return 0;
    }
    (void)EVP_EncodeBlock(again, bytes, (int)(GROUP_BYTES - padding));
    return memcmp(again, group, GROUP_CHARS) == 0 ? GROUP_BYTES - padding : 0;
}

enum wilco_status
base64_decode(uint8_t *out, size_t size, size_t *len, struct span text,
              enum base64_alphabet alphabet)
{
    *len = 0;
    while (text.len > 0) {
        unsigned char group[GROUP_CHARS];
        unsigned char bytes[GROUP_BYTES];
        bool is_last = text.len <= GROUP_CHARS;
        size_t count = take_group(group, text, alphabet) ? decode_group(bytes, group) : 0;

        if (count == 0 || (count < GROUP_BYTES && !is_last)) {
            return WILCO_EMALFORMED;
        }
        if (count > size - *len) {
            return WILCO_ELIMIT;
        }
        memcpy(out + *len, bytes, count);
        *len += count;
        text = span_skip(text, is_last ? text.len : GROUP_CHARS);
    }
    return WILCO_OK;
}
