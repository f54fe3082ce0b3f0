#ifndef WILCO_BROKER_CORE_ENTRANCE_H
#define WILCO_BROKER_CORE_ENTRANCE_H

#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"
#include "broker/core/settings.h"

#include <stdbool.h>

/* By which listener a client came in, as far as the core cares. Outlives its connections, which
 * borrow it, and does not change meanwhile. It owns nothing. */

/* What a listener may say in place of a setting. */
enum entrance_choice {
    ENTRANCE_AS_SET, /* it says nothing: the setting holds, also when that changes */
    ENTRANCE_NO,
    ENTRANCE_YES,
};

#define ENTRANCE_PREFIX           "$r" /* the standard one, and what all others are below */
#define ENTRANCE_PREFIX_BYTES_MAX 64U
#define ENTRANCE_SUFFIX           "/response" /* the standard one */
#define ENTRANCE_SUFFIX_NONE      "off"
#define ENTRANCE_SUFFIX_BYTES_MAX 64U
#define ENTRANCE_PATH_BYTES_MAX   255U

struct entrance {
    /* The template for what the Response Information of a client begins with. */
    char inbox_prefix[ENTRANCE_PREFIX_BYTES_MAX + 1];
    /* What clients older than MQTT 5.0 put behind the topic of a request to respond to it
     * (v3_response.h); empty: they cannot. */
    char v3_response_suffix[ENTRANCE_SUFFIX_BYTES_MAX + 1];
    enum entrance_choice no_matching_subscribers;
    /* Whether clients may come in that name no user. AS_SET: as allow_anonymous says. */
    enum entrance_choice allow_anonymous;
    char password_file[ENTRANCE_PATH_BYTES_MAX + 1]; /* in place of the broker's; empty: it has none
                                                        of its own */
    /* The user is the one that the certificate of the client names, whatever CONNECT says. */
    bool user_is_certified;
};

/* Of a listener that says nothing, and of a connection that came in by none. */
extern const struct entrance entrance_standard;

/* A template is "$r", or "$r/" and further levels of a Topic Name, none of them empty; "%c" in it
 * stands for the Client Identifier and "%u" for the user name, and there is no other "%".
 * WILCO_EINVAL: `prefix` is none, and *why says in a few words what is wrong; `e` is as before. */
WILCO_MUST_CHECK enum wilco_status entrance_set_inbox_prefix(struct entrance *e, struct span prefix,
                                                             const char **why);

/* "off", or "/" and what else may stand in a Topic Name; the same otherwise. */
WILCO_MUST_CHECK enum wilco_status
entrance_set_v3_response_suffix(struct entrance *e, struct span suffix, const char **why);

/* Whether a publisher is told (reason code 0x10) that nobody has subscribed to its message. */
bool entrance_tells_no_matching_subscribers(const struct entrance *e, const struct settings *s);

bool entrance_equal(const struct entrance *a, const struct entrance *b);

#endif
