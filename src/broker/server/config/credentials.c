#include "broker/server/config/directive.h"

#include <stdio.h>

static void
take_scram_file(struct config_reader *r, const struct directive *d, const char *value)
{
    if (strlen(value) >= CONFIG_PATH_BYTES) {
        reader_wrong(r, "%s: the path is longer than %u bytes", d->name, CONFIG_PATH_BYTES - 1);
        return;
    }
    (void)snprintf(r->config->scram_file, CONFIG_PATH_BYTES, "%s", value);
}

static void
add_key(struct config_reader *r, const struct directive *d, const char *path, bool is_secret)
{
    struct tokens_config *t = &r->config->tokens;

    if (strlen(path) > TOKENS_PATH_BYTES_MAX) {
        reader_wrong(r, "%s: the path is longer than %u bytes", d->name, TOKENS_PATH_BYTES_MAX);
    } else if (t->file_count == JWT_KEYS_MAX) {
        reader_wrong(r, "%s: there are %u keys at most", d->name, JWT_KEYS_MAX);
    } else {
        struct tokens_key_file *file = &t->files[t->file_count++];

        *file = (struct tokens_key_file){.is_secret = is_secret};
        (void)snprintf(file->path, sizeof(file->path), "%s", path);
    }
}

static void
take_jwt_key_file(struct config_reader *r, const struct directive *d, const char *value)
{
    add_key(r, d, value, false);
}

static void
take_jwt_secret_file(struct config_reader *r, const struct directive *d, const char *value)
{
    add_key(r, d, value, true);
}

static void
take_jwt_key_id(struct config_reader *r, const struct directive *d, const char *value)
{
    struct tokens_config *t = &r->config->tokens;
    struct tokens_key_file *file = t->file_count == 0 ? NULL : &t->files[t->file_count - 1];

    if (file == NULL || file->id[0] != '\0') {
        reader_wrong(r, "%s: it belongs below the jwt_key_file or jwt_secret_file it is about",
                     d->name);
    } else if (strlen(value) > JWT_KEY_ID_BYTES_MAX) {
        reader_wrong(r, "%s: it is longer than %u bytes", d->name, JWT_KEY_ID_BYTES_MAX);
    } else {
        (void)snprintf(file->id, sizeof(file->id), "%s", value);
    }
}

static void
take_text(struct config_reader *r, const struct directive *d, const char *value, char *out)
{
    if (strlen(value) > TOKENS_TEXT_BYTES_MAX) {
        reader_wrong(r, "%s: it is longer than %u bytes", d->name, TOKENS_TEXT_BYTES_MAX);
        return;
    }
    (void)snprintf(out, TOKENS_TEXT_BYTES_MAX + 1, "%s", value);
}

static void
take_jwt_issuer(struct config_reader *r, const struct directive *d, const char *value)
{
    take_text(r, d, value, r->config->tokens.issuer);
}

static void
take_jwt_audience(struct config_reader *r, const struct directive *d, const char *value)
{
    take_text(r, d, value, r->config->tokens.audience);
}

static void
take_jwt_user_claim(struct config_reader *r, const struct directive *d, const char *value)
{
    take_text(r, d, value, r->config->tokens.user_claim);
}

const struct directive credential_directives[] = {
    {.name = "scram_file",
     .take = take_scram_file,
     .what = "The users of the Authentication Method SCRAM-SHA-256, one USER:SECRET a line "
             "(docs/scram.md). SIGHUP reads it again.",
     .is_path = true},
    {.name = "jwt_key_file",
     .take = take_jwt_key_file,
     .what = "A public key in PEM by which JSON Web Tokens are known to be genuine, which clients "
             "send as their passwords (docs/jwt.md): RSA for RS256, EC on P-256 for ES256, or "
             "Ed25519 for EdDSA. One line for each key. SIGHUP reads them again.",
     .is_repeatable = true,
     .is_path = true},
    {.name = "jwt_secret_file",
     .take = take_jwt_secret_file,
     .what = "The same for HS256: what is in the file is the secret, without a line break at its "
             "end. 32 bytes at least.",
     .is_repeatable = true,
     .is_path = true},
    {.name = "jwt_key_id",
     .take = take_jwt_key_id,
     .what = "The kid of the tokens that the key of the jwt_key_file or jwt_secret_file line above "
             "is for. Without it the key is for those of any kid.",
     .is_repeatable = true},
    {.name = "jwt_issuer",
     .take = take_jwt_issuer,
     .what = "The iss that tokens must have. Without it they may have any."},
    {.name = "jwt_audience",
     .take = take_jwt_audience,
     .what = "One of the aud that tokens must have. Without it they must have none."},
    {.name = "jwt_user_claim",
     .take = take_jwt_user_claim,
     .standard = "sub",
     .what = "The claim of a token that is the name of the user."},
    {.name = NULL},
};
