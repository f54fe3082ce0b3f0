#include "broker/auth/jwt_key.h"

#include "base/secret.h"

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>

#define RSA_BITS_MIN  2048
#define RSA_BITS_MAX  16384
#define ES256_BYTES   32U /* of each of the two numbers of a signature */
#define ES256_DER_MAX 80U

struct key {
    enum jwt_algorithm algorithm;
    EVP_PKEY *pkey; /* NULL: `secret` */
    size_t secret_bytes;
    size_t id_bytes;
    uint8_t secret[JWT_SECRET_BYTES_MAX];
    char id[JWT_KEY_ID_BYTES_MAX];
};

struct jwt_keys {
    const struct wilco_alloc *alloc;
    size_t count;
    struct key keys[JWT_KEYS_MAX];
};

struct jwt_keys *
jwt_keys_new(const struct wilco_alloc *a)
{
    struct jwt_keys *k = mem_zalloc(a, sizeof(*k));

    if (k != NULL) {
        k->alloc = a;
        json_object_seed(0); /* now, while there is still something to read it from */
    }
    return k;
}

void
jwt_keys_free(struct jwt_keys *k)
{
    if (k != NULL) {
        const struct wilco_alloc *a = k->alloc;

        for (size_t i = 0; i < k->count; i++) {
            EVP_PKEY_free(k->keys[i].pkey);
        }
        secret_wipe(k, sizeof(*k));
        mem_free(a, k);
    }
}

size_t
jwt_keys_count(const struct jwt_keys *k)
{
    return k->count;
}

static enum wilco_status
refuse(char why[JWT_KEY_WHY_BYTES], enum wilco_status status, const char *what)
{
    (void)snprintf(why, JWT_KEY_WHY_BYTES, "%s", what);
    ERR_clear_error();
    return status;
}

/* The place of the next key. */
static enum wilco_status
make_room(struct jwt_keys *k, struct span id, struct key **out, char why[JWT_KEY_WHY_BYTES])
{
    struct key *key = NULL;

    why[0] = '\0';
    if (k->count == JWT_KEYS_MAX) {
        return refuse(why, WILCO_ELIMIT, "there are 16 keys already, and no more can be");
    }
    if (id.len > JWT_KEY_ID_BYTES_MAX) {
        return refuse(why, WILCO_EINVAL, "its kid is longer than 128 bytes");
    }
    key = &k->keys[k->count];
    *key = (struct key){.id_bytes = id.len};
    if (id.len > 0) {
        memcpy(key->id, id.data, id.len);
    }
    *out = key;
    return WILCO_OK;
}

static bool
is_p256(const EVP_PKEY *pkey)
{
    char name[32] = "";

    return EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL) == 1 &&
           strcmp(name, "prime256v1") == 0;
}

/* What a public key is for. NULL, or why for nothing. */
static const char *
choose_algorithm(const EVP_PKEY *pkey, enum jwt_algorithm *out)
{
    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_RSA:
        *out = JWT_RS256;
        return EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN && EVP_PKEY_get_bits(pkey) <= RSA_BITS_MAX
                   ? NULL
                   : "an RSA key needs 2048 to 16384 bits";
    case EVP_PKEY_EC:
        *out = JWT_ES256;
        return is_p256(pkey) ? NULL : "an EC key needs the curve P-256 (prime256v1)";
    case EVP_PKEY_ED25519: *out = JWT_EDDSA; return NULL;
    default: return "it is neither RSA, nor EC, nor Ed25519";
    }
}

/* OpenSSL would ask on the terminal. */
static int
have_no_password(char *out, /* NOLINT(readability-non-const-parameter): OpenSSL says what it is */
                 int size, int is_writing, void *context)
{
    (void)out;
    (void)size;
    (void)is_writing;
    (void)context;
    return -1;
}

static bool
contains(struct span text, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= text.len; i++) {
        if (memcmp(text.data + i, word, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Why there is no public key in it. */
static const char *
explain(struct span pem)
{
    if (contains(pem, "PRIVATE KEY-----")) {
        return "it is a private key; the broker needs the public one only: openssl pkey -pubout";
    }
    if (contains(pem, "CERTIFICATE-----")) {
        return "it is a certificate; take its public key: openssl x509 -pubkey -noout";
    }
    return "there is no public key in PEM (-----BEGIN PUBLIC KEY-----) in it";
}

/* The one key in it; NULL. */
static EVP_PKEY *
read_public(struct span pem, bool *has_more)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    EVP_PKEY *pkey = NULL;
    EVP_PKEY *another = NULL;

    if (bio == NULL) {
        return NULL;
    }
    pkey = PEM_read_bio_PUBKEY(bio, NULL, have_no_password, NULL);
    if (pkey != NULL) {
        another = PEM_read_bio_PUBKEY(bio, NULL, have_no_password, NULL);
    }
    *has_more = another != NULL;
    EVP_PKEY_free(another);
    BIO_free(bio);
    ERR_clear_error();
    return pkey;
}

enum wilco_status
jwt_keys_add_public(struct jwt_keys *k, struct span id, struct span pem,
                    char why[JWT_KEY_WHY_BYTES])
{
    struct key *key = NULL;
    const char *what = NULL;
    bool has_more = false;
    enum wilco_status status = make_room(k, id, &key, why);

    if (status != WILCO_OK) {
        return status;
    }
    if (pem.len == 0 || pem.len > JWT_KEY_FILE_BYTES) {
        return refuse(why, WILCO_EINVAL, explain(SPAN_EMPTY));
    }
    key->pkey = read_public(pem, &has_more);
    if (key->pkey == NULL || contains(pem, "PRIVATE KEY-----")) {
        what = explain(pem);
    } else if (has_more) {
        what = "there is more than one key in it: one file for each";
    } else {
        what = choose_algorithm(key->pkey, &key->algorithm);
    }
    if (what != NULL) {
        EVP_PKEY_free(key->pkey);
        key->pkey = NULL;
        return refuse(why, WILCO_EINVAL, what);
    }
    k->count++;
    return WILCO_OK;
}

static struct span
without_line_break(struct span text)
{
    if (text.len > 0 && text.data[text.len - 1] == '\n') {
        text.len--;
        if (text.len > 0 && text.data[text.len - 1] == '\r') {
            text.len--;
        }
    }
    return text;
}

enum wilco_status
jwt_keys_add_secret(struct jwt_keys *k, struct span id, struct span secret,
                    char why[JWT_KEY_WHY_BYTES])
{
    struct key *key = NULL;
    enum wilco_status status = make_room(k, id, &key, why);

    if (status != WILCO_OK) {
        return status;
    }
    if (contains(secret, "-----BEGIN ")) { /* public to some, but a secret to us */
        return refuse(why, WILCO_EINVAL, "it is a key in PEM, which is no secret: jwt_key_file");
    }
    secret = without_line_break(secret);
    if (secret.len < JWT_SECRET_BYTES_MIN || secret.len > JWT_SECRET_BYTES_MAX) {
        return refuse(why, WILCO_EINVAL, "a secret needs 32 to 1024 bytes: openssl rand -hex 32");
    }
    key->algorithm = JWT_HS256;
    key->secret_bytes = secret.len;
    memcpy(key->secret, secret.data, secret.len);
    k->count++;
    return WILCO_OK;
}

static bool
verify_secret(const struct key *key, struct span text, struct span signature)
{
    uint8_t want[SHA256_DIGEST_LENGTH];
    unsigned len = 0;

    return HMAC(EVP_sha256(), key->secret, (int)key->secret_bytes, text.data, text.len, want,
                &len) != NULL &&
           secret_equal(span_of(want, len), signature);
}

/* The two numbers of an ES256 signature, as OpenSSL wants them: in DER. The bytes; 0: they are
 * none. */
static size_t
encode_es256(uint8_t out[ES256_DER_MAX], struct span signature)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = NULL;
    BIGNUM *s = NULL;
    uint8_t *at = out;
    int len = 0;

    if (sig != NULL && signature.len == 2 * (size_t)ES256_BYTES) {
        r = BN_bin2bn(signature.data, ES256_BYTES, NULL);
        s = BN_bin2bn(signature.data + ES256_BYTES, ES256_BYTES, NULL);
    }
    if (r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        len = i2d_ECDSA_SIG(sig, NULL);
        len = len > 0 && len <= (int)ES256_DER_MAX ? i2d_ECDSA_SIG(sig, &at) : 0;
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

static bool
verify_public(const struct key *key, struct span text, struct span signature)
{
    uint8_t der[ES256_DER_MAX];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *digest = key->algorithm == JWT_EDDSA ? NULL : EVP_sha256();
    bool is_right = false;

    if (key->algorithm == JWT_ES256) {
        signature = span_of(der, encode_es256(der, signature));
    }
    is_right = context != NULL && signature.len > 0 &&
               EVP_DigestVerifyInit(context, NULL, digest, NULL, key->pkey) == 1 &&
               EVP_DigestVerify(context, signature.data, signature.len, text.data, text.len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return is_right;
}

/* Whether a token that names `id` may mean this key. */
static bool
is_meant(const struct key *key, struct span id)
{
    return id.len == 0 || key->id_bytes == 0 || span_equal(span_of(key->id, key->id_bytes), id);
}

bool
jwt_keys_verify(const struct jwt_keys *k, enum jwt_algorithm algorithm, struct span id,
                struct span text, struct span signature)
{
    for (size_t i = 0; i < k->count; i++) {
        const struct key *key = &k->keys[i];

        if (key->algorithm == algorithm && is_meant(key, id) &&
            (algorithm == JWT_HS256 ? verify_secret(key, text, signature)
                                    : verify_public(key, text, signature))) {
            return true;
        }
    }
    return false;
}
