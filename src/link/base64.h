#ifndef WILCO_LINK_BASE64_H
#define WILCO_LINK_BASE64_H

#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

/* Base64 (RFC 4648) of what authentication carries: salts, keys, proofs, tokens. Strict: what
 * decodes is what encoding the result gives, so that nothing can be written in two ways. */

/* Characters of `n` bytes, padding included, without a zero behind them. */
#define BASE64_CHARS(n) (((size_t)(n) + 2) / 3 * 4)

enum base64_alphabet {
    BASE64_STANDARD, /* + and /, padded with = (section 4) */
    BASE64_URL,      /* - and _, without padding (section 5) */
};

/* With BASE64_STANDARD; `out` has room for BASE64_CHARS(bytes.len) and a zero, which is written,
 * too. The characters without it. At most 1 MiB. */
size_t base64_encode(char *out, struct span bytes);

/* `out` has room for `size` bytes; *len of them are filled. WILCO_EMALFORMED: a character that is
 * none of the alphabet, wrong padding, bits behind the end. WILCO_ELIMIT: more than `size`. */
WILCO_MUST_CHECK enum wilco_status base64_decode(uint8_t *out, size_t size, size_t *len,
                                                 struct span text, enum base64_alphabet alphabet);

#endif
