#include "net/tls_private.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* What can be wrong with a certificate, said of "the server's certificate" or the client's. */
static const struct {
    long error;
    const char *what;
} findings[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "is not valid yet; is the clock right?"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "is its own issuer, and not among those trusted here"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "was issued by a CA that is not trusted here"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "was issued by a CA that is not trusted here"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "was issued by a CA that is not trusted here"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "was issued by a CA that is not trusted here"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "was not signed by the CA that it names"},
    {X509_V_ERR_HOSTNAME_MISMATCH, "is for another host"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "is for another address"},
    {X509_V_ERR_CERT_REVOKED, "has been revoked"},
    {X509_V_ERR_INVALID_PURPOSE, "is not meant for this end of a connection"},
    {X509_V_ERR_INVALID_CA, "was issued by a certificate that may issue none"},
    {X509_V_ERR_UNABLE_TO_GET_CRL, "was issued by a CA of which there is no revocation list"},
    {X509_V_ERR_CRL_HAS_EXPIRED, "cannot be checked: the revocation list has expired"},
};

const char *
tls_error_text(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());

    return text == NULL ? "an error without a name" : text;
}

static void
explain_certificate(const SSL *ssl, long error, char out[TLS_REASON_BYTES])
{
    const char *whose = SSL_is_server(ssl) ? "client" : "server";
    const char *what = NULL;

    for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++) {
        if (findings[i].error == error) {
            what = findings[i].what;
        }
    }
    (void)snprintf(out, TLS_REASON_BYTES, "the %s's certificate %s%s", whose,
                   what == NULL ? "is refused: " : what,
                   what == NULL ? X509_verify_cert_error_string(error) : "");
}

void
tls_explain(const SSL *ssl, char out[TLS_REASON_BYTES])
{
    const char *peer = SSL_is_server(ssl) ? "client" : "server";
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;

    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        explain_certificate(ssl, SSL_get_verify_result(ssl), out);
    } else if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
               reason == SSL_R_PACKET_LENGTH_TOO_LONG) {
        (void)snprintf(out, TLS_REASON_BYTES, "the %s does not speak TLS here", peer);
    } else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        (void)snprintf(out, TLS_REASON_BYTES, "the %s has no certificate", peer);
    } else if (reason >= SSL_AD_REASON_OFFSET) {
        (void)snprintf(out, TLS_REASON_BYTES, "the %s refuses: %s", peer, tls_error_text());
    } else {
        (void)snprintf(out, TLS_REASON_BYTES, "TLS: %s", tls_error_text());
    }
}
