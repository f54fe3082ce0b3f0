#include "broker/server/admission.h"

#include "broker/auth/authority.h"
#include "broker/server/driver.h"

#include <string.h>

static enum entrance_choice
choice_of(const struct config *c, size_t listener)
{
    enum entrance_choice own = c->entrances[listener].allow_anonymous;

    return own == ENTRANCE_AS_SET ? c->allow_anonymous : own;
}

/* Where nobody may be anonymous and nothing says who anybody is, nobody gets in: that is a mistake.
 */
static bool
check_listener(const char *url, enum entrance_choice choice, bool knows_somebody,
               struct problems *problems)
{
    if (choice == ENTRANCE_NO && !knows_somebody) {
        problems_add(problems,
                     "%s: nobody can connect: allow_anonymous is false, and there is no "
                     "password_file to say who may; name one, or leave allow_anonymous out",
                     url);
        return false;
    }
    return true;
}

/* Nobody shows a certificate where there is neither TLS nor a proxy that has seen it. */
static bool
check_certificates(const struct config *c, size_t listener, struct problems *problems)
{
    const struct transport_options *t = &c->transports[listener];
    const char *url = c->listen[listener];
    bool is_secure = t->is_tls || strncmp(url, "mqtts:", 6) == 0 || strncmp(url, "wss:", 4) == 0;

    if (c->entrances[listener].user_is_certified && !is_secure && t->proxies.versions == 0) {
        problems_add(problems,
                     "%s: certificate_user: clients show no certificate here: listen on mqtts:// "
                     "or wss://, or behind a proxy",
                     url);
        return false;
    }
    return true;
}

static bool
check_listeners(const struct config *c, struct problems *problems)
{
    bool has_common =
        c->password_file[0] != '\0' || c->scram_file[0] != '\0' || c->tokens.file_count > 0;
    bool is_right = true;

    for (size_t i = 0; i < c->listen_count; i++) {
        is_right &= check_certificates(c, i, problems);
        is_right &= check_listener(c->listen[i], choice_of(c, i),
                                   has_common || c->entrances[i].password_file[0] != '\0' ||
                                       c->entrances[i].user_is_certified,
                                   problems);
    }
    return c->listen_count > 0
               ? is_right
               : check_listener(CONFIG_LISTEN, c->allow_anonymous, has_common, problems);
}

static bool
prepare(void **out, const struct config *config, struct problems *problems)
{
    const struct authority_config wanted = {
        .password_file = config->password_file,
        .scram_file = config->scram_file,
        .tokens = &config->tokens,
        .entrances = config->entrances,
        .entrance_count = config->listen_count,
        .allow_anonymous = config->allow_anonymous,
        .settings = &config->settings,
        .alloc = alloc_system(),
        .random = random_system(),
    };
    struct authority *a = NULL;
    char reason[AUTHORITY_REASON_BYTES] = "";

    *out = NULL;
    if (!check_listeners(config, problems)) {
        return false;
    }
    if (authority_is_needed(&wanted) && authority_new(&a, &wanted, reason) != WILCO_OK) {
        problems_add(problems, "%s", reason);
        return false;
    }
    *out = a;
    return true;
}

static void
log_exposed(const struct crew *crew)
{
    const char *path = authority_exposed_file(crew->authority);

    if (path != NULL) {
        log_event(crew->broker.log, LOG_WARNING, "password_file_exposed",
                  "file=%s problem=\"everybody on this machine may read it: chmod o-r\"",
                  LOG_TEXT(span_of_text(path)));
    }
}

/* The Authentication Method stays where it is as long as the crew: exchanges that are under way
 * know it. */
static void
offer_scram(struct crew *crew)
{
    struct authority *a = crew->authority;

    crew->scram = (struct scram_server){
        .alloc = crew->broker.alloc,
        .random = crew->broker.random,
        .users = a == NULL ? NULL : authority_scram_users(a),
    };
    crew->scram_method = scram_server_method(&crew->scram);
    if (crew->scram.users != NULL) {
        crew->scram.watch = authority_scram_watch(a);
    }
    crew->broker.auth_methods = &crew->scram_method;
    crew->broker.auth_method_count = crew->scram.users != NULL ? 1 : 0;
}

static void *
commit(struct crew *crew, void *object)
{
    struct authority *before = crew->authority;

    crew->authority = object;
    broker_set_authenticator(&crew->broker,
                             object == NULL ? NULL : authority_authenticator(crew->authority));
    if (object != NULL && before != NULL) {
        authority_inherit(crew->authority, before);
    }
    if (object != NULL) {
        log_exposed(crew);
    }
    offer_scram(crew);
    return before;
}

static void
discard(void *object)
{
    authority_free(object);
}

const struct reloadable admission = {
    .name = "passwords",
    .prepare = prepare,
    .commit = commit,
    .discard = discard,
};
