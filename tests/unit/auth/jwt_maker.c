#include "jwt_maker.h"

#include "link/base64.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct maker_key {
    EVP_PKEY *pkey;
    BIO *pems[2]; /* public, private */
};

static EVP_PKEY *
generate(enum maker_kind kind)
{
    switch (kind) {
    case MAKER_RSA: return EVP_RSA_gen(2048);
    case MAKER_RSA_SHORT: return EVP_RSA_gen(1024);
    case MAKER_P256: return EVP_EC_gen("P-256");
    case MAKER_P384: return EVP_EC_gen("P-384");
    case MAKER_ED25519: return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case MAKER_X25519: return EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    }
    return NULL;
}

struct maker_key *
maker_key_new(enum maker_kind kind)
{
    struct maker_key *k = calloc(1, sizeof(*k));

    assert_non_null(k);
    k->pkey = generate(kind);
    assert_non_null(k->pkey);
    for (int i = 0; i < 2; i++) {
        k->pems[i] = BIO_new(BIO_s_mem());
        assert_non_null(k->pems[i]);
    }
    assert_int_equal(PEM_write_bio_PUBKEY(k->pems[0], k->pkey), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(k->pems[1], k->pkey, NULL, NULL, 0, NULL, NULL), 1);
    return k;
}

void
maker_key_free(struct maker_key *k)
{
    EVP_PKEY_free(k->pkey);
    BIO_free(k->pems[0]);
    BIO_free(k->pems[1]);
    free(k);
}

struct span
maker_key_pem(const struct maker_key *k, bool is_private)
{
    char *text = NULL;
    long len = BIO_get_mem_data(k->pems[is_private], &text);

    return span_of(text, (size_t)len);
}

size_t
maker_base64url(char *out, struct span bytes)
{
    size_t len = base64_encode(out, bytes);

    while (len > 0 && out[len - 1] == '=') {
        len--;
    }
    out[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
    }
    return len;
}

/* From DER to the two numbers. */
static size_t
flatten(uint8_t *signature, size_t len)
{
    const uint8_t *at = signature;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    uint8_t flat[64];

    assert_non_null(sig);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), flat, 32), 32);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), flat + 32, 32), 32);
    ECDSA_SIG_free(sig);
    memcpy(signature, flat, sizeof(flat));
    return sizeof(flat);
}

static size_t
sign_with(const struct maker_key *key, struct span text, uint8_t *signature, size_t size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_eddsa = EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_ED25519;
    size_t len = size;

    assert_non_null(context);
    assert_int_equal(
        EVP_DigestSignInit(context, NULL, is_eddsa ? NULL : EVP_sha256(), NULL, key->pkey), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &len, text.data, text.len), 1);
    EVP_MD_CTX_free(context);
    return EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_EC && EVP_PKEY_get_bits(key->pkey) == 256
               ? flatten(signature, len)
               : len;
}

struct span
maker_sign(char out[MAKER_TOKEN_BYTES], const char *header, const char *payload,
           const struct maker_key *key, struct span secret)
{
    uint8_t signature[1024];
    size_t signature_len = 0;
    unsigned hmac_len = 0;
    size_t len = maker_base64url(out, span_of_text(header));

    assert_true(BASE64_CHARS(strlen(header)) + BASE64_CHARS(strlen(payload)) + 2000 <
                MAKER_TOKEN_BYTES);
    out[len++] = '.';
    len += maker_base64url(out + len, span_of_text(payload));
    if (key != NULL) {
        signature_len = sign_with(key, span_of(out, len), signature, sizeof(signature));
    } else {
        assert_non_null(HMAC(EVP_sha256(), secret.data, (int)secret.len, (const uint8_t *)out, len,
                             signature, &hmac_len));
        signature_len = hmac_len;
    }
    out[len++] = '.';
    len += maker_base64url(out + len, span_of(signature, signature_len));
    return span_of(out, len);
}
