/* A ticket is a session, encrypted with a key of ours, that the client keeps for us. Whoever gets
 * hold of the key can read what was said with it, so keys do not get old: there is a new one every
 * TLS_TICKET_KEY_S, the one before is accepted for as long again, and then it is forgotten. */
#include "net/tls_private.h"

#include "base/clock.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

static bool
make_key(struct tls_ticket_key *key)
{
    return RAND_bytes(key->name, sizeof(key->name)) == 1 &&
           RAND_priv_bytes(key->cipher, sizeof(key->cipher)) == 1 &&
           RAND_priv_bytes(key->mac, sizeof(key->mac)) == 1;
}

bool
tls_tickets_init(struct tls_tickets *t)
{
    *t = (struct tls_tickets){.made_ms = clock_monotonic_ms()};
    return pthread_mutex_init(&t->lock, NULL) == 0 && make_key(&t->keys[0]) &&
           make_key(&t->keys[1]);
}

void
tls_tickets_fini(struct tls_tickets *t)
{
    OPENSSL_cleanse(t->keys, sizeof(t->keys));
    (void)pthread_mutex_destroy(&t->lock);
}

/* Without random numbers the old one stays. */
static void
rotate(struct tls_tickets *t)
{
    struct tls_ticket_key fresh;

    if (make_key(&fresh)) {
        t->keys[1] = t->keys[0];
        t->keys[0] = fresh;
        t->made_ms = clock_monotonic_ms();
    }
    OPENSSL_cleanse(&fresh, sizeof(fresh));
}

void
tls_tickets_rotate(struct tls_tickets *t)
{
    (void)pthread_mutex_lock(&t->lock);
    rotate(t);
    (void)pthread_mutex_unlock(&t->lock);
}

/* A key of an age that is past both is as good as none. */
static void
keep_fresh(struct tls_tickets *t)
{
    uint64_t age_ms = clock_monotonic_ms() - t->made_ms;

    if (age_ms >= 1000ULL * TLS_TICKET_KEY_S) {
        rotate(t);
    }
    if (age_ms >= 2000ULL * TLS_TICKET_KEY_S) {
        rotate(t);
    }
}

/* The one that has this name, or the one to use now (NULL): a copy in *out. Its number, or -1. */
static int
find_key(struct tls_tickets *t, const unsigned char *name, struct tls_ticket_key *out)
{
    int found = name == NULL ? 0 : -1;

    (void)pthread_mutex_lock(&t->lock);
    keep_fresh(t);
    for (int i = 0; name != NULL && i < 2; i++) {
        if (memcmp(t->keys[i].name, name, sizeof(t->keys[i].name)) == 0) {
            found = i;
        }
    }
    if (found >= 0) {
        *out = t->keys[found];
    }
    (void)pthread_mutex_unlock(&t->lock);
    return found;
}

static bool
set_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static bool
seal(struct tls_ticket_key *key, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher)
{
    memcpy(name, key->name, sizeof(key->name));
    return RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1 &&
           EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher, iv, NULL) == 1;
}

/* OpenSSL's callback. -1: it failed; 0: unknown, so the session cannot go on; 1: it is ready; 2:
 * likewise, and the client gets a new ticket. */
static int
use_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
               EVP_MAC_CTX *mac, int is_sealing)
{
    struct tls_tickets *t = tls_server_tickets(tls_stream_server(tls_stream_of_ssl(ssl)));
    struct tls_ticket_key key;
    int number = find_key(t, is_sealing ? NULL : name, &key);
    bool is_ok = false;

    if (number < 0) {
        return 0;
    }
    is_ok = is_sealing ? seal(&key, name, iv, cipher)
                       : EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), key.cipher, iv, NULL) == 1;
    is_ok = is_ok && set_mac(mac, &key);
    OPENSSL_cleanse(&key, sizeof(key));
    if (!is_ok) {
        return -1;
    }
    /* With TLS 1.3 a client uses a ticket once. */
    return number == 0 && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2;
}

void
tls_tickets_use(SSL_CTX *ctx)
{
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, use_ticket_key);
}
