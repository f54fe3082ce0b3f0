#include "net/tls_private.h"

#include <openssl/x509v3.h>
#include <string.h>

/* False: it is empty, too long, or has a zero in it, which would hide the rest. */
static bool
take(const ASN1_STRING *name, char *out, size_t bytes)
{
    unsigned char *text = NULL;
    int len = ASN1_STRING_to_UTF8(&text, name);
    bool fits = len > 0 && (size_t)len < bytes && memchr(text, 0, (size_t)len) == NULL;

    if (fits) {
        memcpy(out, text, (size_t)len);
        out[len] = '\0';
    }
    OPENSSL_free(text);
    return fits;
}

/* The last one is the most special, where there are several. */
static void
take_common_name(const X509 *certificate, char *out, size_t bytes)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = -1;
    int last = -1;

    while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0) {
        last = at;
    }
    if (last >= 0) {
        (void)take(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)), out, bytes);
    }
}

static const ASN1_STRING *
text_of(const GENERAL_NAME *name)
{
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);

    return type == GEN_EMAIL || type == GEN_DNS || type == GEN_URI ? value : NULL;
}

static void
take_alternative_name(const X509 *certificate, char *out, size_t bytes)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const ASN1_STRING *text = text_of(sk_GENERAL_NAME_value(names, i));

        if (text != NULL) {
            (void)take(text, out, bytes);
            break;
        }
    }
    GENERAL_NAMES_free(names);
}

void
tls_user_name(const X509 *certificate, enum tls_user from, char *out, size_t bytes)
{
    out[0] = '\0';
    if (certificate != NULL && from == TLS_USER_CN) {
        take_common_name(certificate, out, bytes);
    } else if (certificate != NULL && from == TLS_USER_SAN) {
        take_alternative_name(certificate, out, bytes);
    }
}
