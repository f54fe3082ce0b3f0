#include "broker/server/config/directive.h"

#include <stdio.h>

/* TLS of a listener, in mosquitto's words. */

static void
take_path(struct config_reader *r, const struct directive *d, const char *value,
          char out[TLS_PATH_BYTES])
{
    if (strlen(value) >= TLS_PATH_BYTES) {
        reader_wrong(r, "%s: the path is longer than %u bytes", d->name, TLS_PATH_BYTES - 1);
    } else if (!config_add_file(r->config, value)) {
        reader_wrong(r, "%s: the paths of all files together are longer than %u bytes", d->name,
                     CONFIG_FILES_BYTES);
    } else {
        (void)snprintf(out, TLS_PATH_BYTES, "%s", value);
    }
}

static void
take_one_more(struct config_reader *r, const struct directive *d, const char *value,
              char out[TLS_CERTIFICATES_MAX][TLS_PATH_BYTES], size_t *count)
{
    if (*count == TLS_CERTIFICATES_MAX) {
        reader_wrong(r, "%s: a listener has %u certificates at most", d->name,
                     TLS_CERTIFICATES_MAX);
        return;
    }
    take_path(r, d, value, out[*count]);
    ++*count;
}

static void
take_certfile(struct config_reader *r, const struct directive *d, const char *value)
{
    struct tls_server_options *tls = &r->transport->tls;

    r->transport->is_tls = r->transport->is_tls || r->follows_certificate;
    take_one_more(r, d, value, tls->certfile, &tls->certfile_count);
}

static void
take_keyfile(struct config_reader *r, const struct directive *d, const char *value)
{
    struct tls_server_options *tls = &r->transport->tls;

    take_one_more(r, d, value, tls->keyfile, &tls->keyfile_count);
}

static void
take_cafile(struct config_reader *r, const struct directive *d, const char *value)
{
    take_path(r, d, value, r->transport->tls.cafile);
}

static void
take_capath(struct config_reader *r, const struct directive *d, const char *value)
{
    take_path(r, d, value, r->transport->tls.capath);
}

static void
take_crlfile(struct config_reader *r, const struct directive *d, const char *value)
{
    take_path(r, d, value, r->transport->tls.crlfile);
}

static void
take_list(struct config_reader *r, const struct directive *d, const char *value,
          char out[TLS_CIPHERS_BYTES])
{
    if (strlen(value) >= TLS_CIPHERS_BYTES) {
        reader_wrong(r, "%s: the list is longer than %u bytes", d->name, TLS_CIPHERS_BYTES - 1);
    } else {
        (void)snprintf(out, TLS_CIPHERS_BYTES, "%s", value);
    }
}

static void
take_ciphers(struct config_reader *r, const struct directive *d, const char *value)
{
    take_list(r, d, value, r->transport->tls.ciphers);
}

static void
take_ciphers_tls13(struct config_reader *r, const struct directive *d, const char *value)
{
    take_list(r, d, value, r->transport->tls.ciphers_tls13);
}

static void
take_tls_version(struct config_reader *r, const struct directive *d, const char *value)
{
    bool is_13 = strcmp(value, "tlsv1.3") == 0;

    if (!is_13 && strcmp(value, "tlsv1.2") != 0) {
        reader_wrong(r, "%s: %s is neither tlsv1.2 nor tlsv1.3", d->name,
                     LOG_TEXT(span_of_text(value)));
        return;
    }
    r->transport->tls.versions = is_13 ? TLS_13_ONLY : TLS_12_OR_13;
}

static void
take_require_certificate(struct config_reader *r, const struct directive *d, const char *value)
{
    bool is_required = strcmp(value, "true") == 0;

    if (!is_required && strcmp(value, "false") != 0) {
        reader_wrong(r, "%s: %s is neither true nor false", d->name, LOG_TEXT(span_of_text(value)));
        return;
    }
    r->transport->tls.requires_certificate = is_required;
}

static void
take_user_from(struct config_reader *r, enum tls_user from)
{
    r->transport->tls.user_from = from;
    r->entrance->user_is_certified = from != TLS_USER_NONE;
}

static void
take_certificate_user(struct config_reader *r, const struct directive *d, const char *value)
{
    static const char *const names[] = {
        [TLS_USER_NONE] = "none", [TLS_USER_CN] = "cn", [TLS_USER_SAN] = "san"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(value, names[i]) == 0) {
            take_user_from(r, (enum tls_user)i);
            return;
        }
    }
    reader_wrong(r, "%s: %s is neither cn, nor san, nor none", d->name,
                 LOG_TEXT(span_of_text(value)));
}

/* mosquitto's word for cn, or none. */
static void
take_identity(struct config_reader *r, const struct directive *d, const char *value)
{
    bool is_wanted = strcmp(value, "true") == 0;

    if (!is_wanted && strcmp(value, "false") != 0) {
        reader_wrong(r, "%s: %s is neither true nor false", d->name, LOG_TEXT(span_of_text(value)));
        return;
    }
    take_user_from(r, is_wanted ? TLS_USER_CN : TLS_USER_NONE);
}

const struct directive secure_directives[] = {
    {.name = "certfile",
     .take = take_certfile,
     .is_path = true,
     .what = "The certificate chain in PEM, the broker's own first, of the listen or listener line "
             "above, which needs one if its URL begins with mqtts:// or wss://; below a listener "
             "line it is what makes it speak TLS. Up to four, each with a keyfile: a client gets "
             "the one for the host name that it asks for, or the first.",
     .is_repeatable = true,
     .is_of_listener = true},
    {.name = "keyfile",
     .take = take_keyfile,
     .is_path = true,
     .what = "The private key in PEM of the certfile, which nobody else may read or write (chmod "
             "600). One line for each.",
     .is_repeatable = true,
     .is_of_listener = true},
    {.name = "cafile",
     .take = take_cafile,
     .is_path = true,
     .what = "Certificates in PEM of those who issue certificates to clients of the listen or "
             "listener line above. Once for each of these lines, as what follows.",
     .is_of_listener = true},
    {.name = "capath",
     .take = take_capath,
     .is_path = true,
     .what = "The same as a folder, with the names that openssl rehash makes.",
     .is_of_listener = true},
    {.name = "require_certificate",
     .take = take_require_certificate,
     .standard = "false",
     .what = "true: a client has to show a certificate that one of these has issued.",
     .is_of_listener = true},
    {.name = "certificate_user",
     .take = take_certificate_user,
     .standard = "none",
     .what = "cn: the user is the Common Name of the certificate that the client shows; san: the "
             "first of its other names that is an e-mail address, a DNS name or a URI. Needs "
             "require_certificate, or a proxy that says whom the certificate names; then no "
             "password is asked for, and a User Name in CONNECT means nothing.",
     .is_of_listener = true},
    {.name = "use_identity_as_username",
     .take = take_identity,
     .what = "mosquitto's word for it: true is certificate_user cn.",
     .is_of_listener = true},
    {.name = "crlfile",
     .take = take_crlfile,
     .is_path = true,
     .what = "In PEM, which of the clients' certificates have been revoked, from each who issues "
             "any.",
     .is_of_listener = true},
    {.name = "tls_version",
     .take = take_tls_version,
     .standard = "tlsv1.2",
     .what = "The oldest version of TLS that is spoken: tlsv1.2 or tlsv1.3.",
     .is_of_listener = true},
    {.name = "ciphers",
     .take = take_ciphers,
     .what = "What may be used with TLS 1.2, in the words of openssl ciphers. Without this line: "
             "ECDHE+AESGCM:ECDHE+CHACHA20.",
     .is_of_listener = true},
    {.name = "ciphers_tls1.3",
     .take = take_ciphers_tls13,
     .what = "The same for TLS 1.3.",
     .is_of_listener = true},
    {.name = NULL},
};
