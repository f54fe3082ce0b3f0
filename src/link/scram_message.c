/* A message is a list of attributes, a letter and a value each, with commas between them, which no
 * value can have in it. The first ones are fixed in kind and order; those that may follow are
 * extensions that nobody needs to know. */
#include "link/scram_message.h"

#include "link/base64.h"
#include "wire/utf8.h"

#include <assert.h>

#define ESCAPE_CHARS 3U

/* What is still to be read; `is_over` when the last attribute has been, with no comma behind it. */
struct cursor {
    struct span rest;
    bool is_over;
};

/* Everything up to the next comma. */
static struct span
next_part(struct cursor *c)
{
    const uint8_t *comma = c->rest.len == 0 ? NULL : memchr(c->rest.data, ',', c->rest.len);
    struct span part = c->rest;

    if (comma == NULL) {
        c->is_over = true;
        c->rest = SPAN_EMPTY;
        return part;
    }
    part.len = (size_t)(comma - part.data);
    c->rest = span_skip(c->rest, part.len + 1);
    return part;
}

/* The value of the next attribute, which is to be `letter`. */
static bool
next_value(struct cursor *c, char letter, struct span *value)
{
    struct span part = c->is_over ? SPAN_EMPTY : next_part(c);

    if (part.len < 3 || part.data[0] != (uint8_t)letter || part.data[1] != '=') {
        return false;
    }
    *value = span_skip(part, 2);
    return true;
}

static bool
is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Extensions up to the end, of which none is known. */
static bool
skip_extensions(struct cursor *c)
{
    while (!c->is_over) {
        struct span part = next_part(c);

        if (part.len < 3 || !is_letter(part.data[0]) || part.data[1] != '=' ||
            !utf8_is_valid(part)) {
            return false;
        }
    }
    return true;
}

/* An extension that must be understood stands first, and we understand none. */
static bool
demands_more(const struct cursor *c)
{
    return c->rest.len >= 2 && c->rest.data[0] == 'm' && c->rest.data[1] == '=';
}

/* Printable, but for the comma, which ends it anyway. */
static bool
is_nonce(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x21 || text.data[i] > 0x7e) {
            return false;
        }
    }
    return text.len > 0;
}

static enum wilco_status
check_nonce(struct span nonce)
{
    if (!is_nonce(nonce)) {
        return WILCO_EMALFORMED;
    }
    return nonce.len >= SCRAM_NONCE_BYTES_MIN && nonce.len <= SCRAM_NONCE_BYTES_MAX
               ? WILCO_OK
               : WILCO_EPROTOCOL;
}

/* "n,a=other," up to and with its second comma. */
static enum wilco_status
read_gs2_header(struct cursor *c, struct scram_client_first *out)
{
    struct span flag = next_part(c);
    struct span other = c->is_over ? SPAN_EMPTY : next_part(c);

    if (c->is_over || flag.len == 0) {
        return WILCO_EMALFORMED;
    }
    if (flag.data[0] == 'p') {
        return flag.len > 2 && flag.data[1] == '=' ? WILCO_EPROTOCOL : WILCO_EMALFORMED;
    }
    if (flag.len != 1 || (flag.data[0] != 'n' && flag.data[0] != 'y')) {
        return WILCO_EMALFORMED;
    }
    if (other.len > 0) {
        if (other.len < 3 || other.data[0] != 'a' || other.data[1] != '=') {
            return WILCO_EMALFORMED;
        }
        out->other_name = span_skip(other, 2);
    }
    return WILCO_OK;
}

enum wilco_status
scram_client_first_read(struct scram_client_first *out, struct span text)
{
    struct cursor c = {.rest = text};
    enum wilco_status status = WILCO_OK;

    *out = (struct scram_client_first){.other_name = SPAN_EMPTY};
    if (text.len > SCRAM_MESSAGE_BYTES_MAX) {
        return WILCO_ELIMIT;
    }
    status = read_gs2_header(&c, out);
    if (status != WILCO_OK) {
        return status;
    }
    out->bare = c.rest;
    out->gs2_header = span_first(text, text.len - c.rest.len);
    if (demands_more(&c)) {
        return WILCO_EPROTOCOL;
    }
    if (!next_value(&c, 'n', &out->name) || !next_value(&c, 'r', &out->nonce) ||
        !skip_extensions(&c)) {
        return WILCO_EMALFORMED;
    }
    return check_nonce(out->nonce);
}

/* A number without sign and leading zeros; 0: none, or one above `max`. */
static uint32_t
read_number(struct span text, uint32_t max)
{
    uint64_t number = 0;

    if (text.len == 0 || text.data[0] == '0') {
        return 0;
    }
    for (size_t i = 0; i < text.len && number <= max; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return number <= max ? (uint32_t)number : 0;
}

static enum wilco_status
read_salt(struct scram_server_first *out, struct span text)
{
    enum wilco_status status =
        base64_decode(out->salt, sizeof(out->salt), &out->salt_bytes, text, BASE64_STANDARD);

    if (status == WILCO_ELIMIT || (status == WILCO_OK && out->salt_bytes < SCRAM_SALT_BYTES_MIN)) {
        return WILCO_EPROTOCOL;
    }
    return status;
}

enum wilco_status
scram_server_first_read(struct scram_server_first *out, struct span text)
{
    struct cursor c = {.rest = text};
    struct span salt = SPAN_EMPTY;
    struct span iterations = SPAN_EMPTY;
    enum wilco_status status = WILCO_OK;

    *out = (struct scram_server_first){.salt_bytes = 0};
    if (text.len > SCRAM_MESSAGE_BYTES_MAX) {
        return WILCO_ELIMIT;
    }
    if (demands_more(&c)) {
        return WILCO_EPROTOCOL;
    }
    if (!next_value(&c, 'r', &out->nonce) || !next_value(&c, 's', &salt) ||
        !next_value(&c, 'i', &iterations) || !skip_extensions(&c)) {
        return WILCO_EMALFORMED;
    }
    status = read_salt(out, salt);
    if (status == WILCO_OK) {
        status = check_nonce(out->nonce);
    }
    out->iterations = read_number(iterations, SCRAM_ITERATIONS_MAX);
    return status == WILCO_OK && out->iterations < SCRAM_ITERATIONS_MIN ? WILCO_EPROTOCOL : status;
}

/* 32 bytes, in base64. */
static enum wilco_status
read_key(uint8_t out[SCRAM_KEY_BYTES], struct span text)
{
    size_t len = 0;
    enum wilco_status status = base64_decode(out, SCRAM_KEY_BYTES, &len, text, BASE64_STANDARD);

    return status == WILCO_OK && len == SCRAM_KEY_BYTES ? WILCO_OK : WILCO_EMALFORMED;
}

/* The proof comes last, behind what it proves. */
static enum wilco_status
read_proof(struct scram_client_final *out, struct span text, struct cursor c)
{
    struct span part = SPAN_EMPTY;

    while (!c.is_over) {
        part = next_part(&c);
        if (part.len < 3 || !is_letter(part.data[0]) || part.data[1] != '=') {
            return WILCO_EMALFORMED;
        }
    }
    if (part.len == 0 || part.data[0] != 'p') {
        return WILCO_EMALFORMED;
    }
    out->without_proof = span_first(text, text.len - part.len - 1);
    return read_key(out->proof, span_skip(part, 2));
}

enum wilco_status
scram_client_final_read(struct scram_client_final *out, struct span text)
{
    struct cursor c = {.rest = text};

    *out = (struct scram_client_final){.binding = SPAN_EMPTY};
    if (text.len > SCRAM_MESSAGE_BYTES_MAX) {
        return WILCO_ELIMIT;
    }
    if (!next_value(&c, 'c', &out->binding) || !next_value(&c, 'r', &out->nonce) ||
        !is_nonce(out->nonce)) {
        return WILCO_EMALFORMED;
    }
    return read_proof(out, text, c);
}

enum wilco_status
scram_server_final_read(uint8_t signature[SCRAM_KEY_BYTES], struct span text)
{
    struct cursor c = {.rest = text};
    struct span value = SPAN_EMPTY;

    if (text.len > SCRAM_MESSAGE_BYTES_MAX) {
        return WILCO_ELIMIT;
    }
    if (text.len > 2 && text.data[0] == 'e' && text.data[1] == '=') {
        return WILCO_EPROTOCOL;
    }
    if (!next_value(&c, 'v', &value) || !skip_extensions(&c)) {
        return WILCO_EMALFORMED;
    }
    return read_key(signature, value);
}

static bool
is_name(struct span name)
{
    return name.len > 0 && memchr(name.data, '\0', name.len) == NULL && utf8_is_valid(name);
}

enum wilco_status
scram_name_read(char out[SCRAM_NAME_BYTES_MAX], size_t *len, struct span written)
{
    *len = 0;
    if (written.len > SCRAM_NAME_BYTES_MAX) {
        return WILCO_ELIMIT;
    }
    while (written.len > 0) {
        char c = (char)written.data[0];
        size_t chars = c == '=' ? ESCAPE_CHARS : 1;

        if (c == '=') {
            if (written.len < ESCAPE_CHARS || (memcmp(written.data, "=2C", ESCAPE_CHARS) != 0 &&
                                               memcmp(written.data, "=3D", ESCAPE_CHARS) != 0)) {
                return WILCO_EMALFORMED;
            }
            c = written.data[1] == '2' ? ',' : '=';
        }
        out[(*len)++] = c;
        written = span_skip(written, chars);
    }
    return is_name(span_of(out, *len)) ? WILCO_OK : WILCO_EMALFORMED;
}

enum wilco_status
scram_name_write(char out[SCRAM_NAME_BYTES_MAX], size_t *len, struct span name)
{
    *len = 0;
    if (!is_name(name)) {
        return WILCO_EMALFORMED;
    }
    for (size_t i = 0; i < name.len; i++) {
        const char *written = name.data[i] == ',' ? "=2C" : name.data[i] == '=' ? "=3D" : NULL;
        size_t chars = written == NULL ? 1 : ESCAPE_CHARS;

        if (chars > SCRAM_NAME_BYTES_MAX - *len) {
            return WILCO_ELIMIT;
        }
        memcpy(out + *len, written == NULL ? (const char *)name.data + i : written, chars);
        *len += chars;
    }
    return WILCO_OK;
}

size_t
scram_auth_message(uint8_t out[SCRAM_AUTH_MESSAGE_BYTES_MAX], struct span client_first_bare,
                   struct span server_first, struct span client_final_without_proof)
{
    const struct span parts[] = {client_first_bare, server_first, client_final_without_proof};
    size_t len = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        assert(parts[i].len <= SCRAM_MESSAGE_BYTES_MAX);
        if (i > 0) {
            out[len++] = ',';
        }
        memcpy(out + len, parts[i].data, parts[i].len);
        len += parts[i].len;
    }
    return len;
}
