#include "cli/encoding.h"

#include "cli/memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789abcdef";

char *
encoding_base64(struct wilco_bytes bytes)
{
    const unsigned char *in = bytes.data;
    char *text = memory_get(bytes.len / 3 + 2, 4);
    char *out = text;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned long group = (unsigned long)in[i] << 16;

        if (left > 1) {
            group |= (unsigned long)in[i + 1] << 8;
        }
        if (left > 2) {
            group |= in[i + 2];
        }
        *out++ = base64_digits[group >> 18];
        *out++ = base64_digits[group >> 12 & 63];
        out[0] = out[1] = '=';
        if (left > 1) {
            out[0] = base64_digits[group >> 6 & 63];
        }
        if (left > 2) {
            out[1] = base64_digits[group & 63];
        }
        out += 2;
    }
    return text;
}

/* Four digits to three bytes; `left` of them are digits, the others padding. False: not digits, or
 * bits that belong to no byte. */
static bool
unbase64_group(const char *text, size_t left, unsigned char out[3])
{
    unsigned long group = 0;

    for (size_t i = 0; i < 4; i++) {
        const char *digit = i < left ? strchr(base64_digits, text[i]) : base64_digits;

        if (digit == NULL || text[i] == '\0' || (i >= left && text[i] != '=')) {
            return false;
        }
        group = group << 6 | (unsigned long)(digit - base64_digits);
    }
    out[0] = (unsigned char)(group >> 16);
    out[1] = (unsigned char)(group >> 8 & 255);
    out[2] = (unsigned char)(group & 255);
    return (left != 2 || (out[1] == 0 && out[2] == 0)) && (left != 3 || out[2] == 0);
}

bool
encoding_unbase64(const char *text, unsigned char **out, size_t *len)
{
    size_t size = strlen(text);
    size_t digits = strcspn(text, "=");
    unsigned char *bytes;

    if (size % 4 != 0 || size - digits > 2) {
        return false;
    }
    bytes = memory_get(size / 4 + 1, 3);
    for (size_t i = 0; i < size; i += 4) {
        size_t left = digits - i < 4 ? digits - i : 4;

        if (!unbase64_group(text + i, left, bytes + i / 4 * 3)) {
            free(bytes);
            return false;
        }
    }
    *out = bytes;
    *len = digits * 3 / 4;
    return true;
}

char *
encoding_hex(struct wilco_bytes bytes)
{
    const unsigned char *in = bytes.data;
    char *text = memory_get(bytes.len + 1, 2);

    for (size_t i = 0; i < bytes.len; i++) {
        text[2 * i] = hex_digits[in[i] >> 4];
        text[2 * i + 1] = hex_digits[in[i] & 15];
    }
    return text;
}

static unsigned
hex_value(char digit)
{
    return digit <= '9' ? (unsigned)(digit - '0') : (unsigned)((digit | 0x20) - 'a' + 10);
}

bool
encoding_unhex(const char *text, unsigned char **out, size_t *len)
{
    size_t digits = strlen(text);

    if (digits % 2 != 0 || strspn(text, "0123456789abcdefABCDEF") != digits) {
        return false;
    }
    *len = digits / 2;
    *out = memory_get(*len, 1);
    for (size_t i = 0; i < *len; i++) {
        (*out)[i] = (unsigned char)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    }
    return true;
}

static bool
is_control(const unsigned char *at, size_t left)
{
    if (*at == 0xc2 && left > 1) { /* U+0080 to U+009F */
        return at[1] < 0xa0;
    }
    return (*at < 0x20 && *at != '\n' && *at != '\t' && *at != '\r') || *at == 0x7f;
}

bool
encoding_is_readable(struct wilco_bytes bytes)
{
    const unsigned char *in = bytes.data;
    json_t *text;

    for (size_t i = 0; i < bytes.len; i++) {
        if (is_control(&in[i], bytes.len - i)) {
            return false;
        }
    }
    text = json_stringn(bytes.len == 0 ? "" : bytes.data, bytes.len); /* NULL unless it is UTF-8 */
    json_decref(text);
    return text != NULL;
}

void
encoding_make_harmless(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) { /* U+0080 to U+009F */
            at[0] = at[1] = '?';
        } else if (*at < 0x20 || *at == 0x7f) {
            *at = '?';
        }
    }
}
