#include "cli/commands.h"

#include "broker/auth/acl_file.h"
#include "broker/server/options.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/output.h"
#include "wire/topic.h"

#include <stdio.h>
#include <string.h>

/* What a broker says to who asks something that is not permitted: Not authorized. */
#define EXIT_CODE_DENIED (EXIT_CODE_REFUSED + 7)

struct acl_command {
    const char *acl_file;
    const char *config;
};

#define FIELD(name) offsetof(struct acl_command, name)
static const struct option acl_rows[] = {
    {"acl-file", 0, "FILE", "the file to ask", option_text, FIELD(acl_file)},
    {"config", 'c', "FILE", "the broker's configuration, whose acl_file is asked", option_text,
     FIELD(config)},
    {.name = NULL},
};

static const struct option_group acl_groups[] = {
    {"Options", acl_rows, 0},
};

static const enum exit_code acl_exit_codes[] = {
    EXIT_CODE_OK,
    EXIT_CODE_USAGE,
    (enum exit_code)EXIT_CODE_DENIED,
};
static const char *const acl_exit_texts[] = {
    "it is permitted; or the file is in order",
    "the command line, the configuration or the file is wrong",
    "it is not permitted",
};

static const struct manual acl_manual = {
    .name = "wilco acl",
    .synopsis = "wilco acl (explain USER CLIENT ACTION TOPIC | check FILE) [OPTION]...",
    .about =
        "Says what a broker would say with this ACL file, and which line decides. USER is - for a\n"
        "client without user name, CLIENT a Client Identifier. ACTION is publish, to a topic;\n"
        "subscribe, to a topic filter; or receive, what is published to a topic. With check it "
        "says\n"
        "which line of a file is wrong.",
    .examples = "  wilco acl explain --acl-file acl ann kitchen publish home/kitchen/light\n"
                "  wilco acl explain --config wilco.conf - sensor-7 subscribe 'home/#'\n"
                "  wilco acl check acl\n",
    .exit_codes = acl_exit_codes,
    .exit_code_count = sizeof(acl_exit_codes) / sizeof(acl_exit_codes[0]),
    .exit_texts = acl_exit_texts,
};

/* What is to be found out. */
struct question {
    struct access_subject who;
    enum access_action action;
    struct span topic;
};

static int
fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "wilco acl: %s: %s\n", what, why);
    return EXIT_CODE_USAGE;
}

/* NULL: it has said what is wrong with the file. */
static struct acl *
read_file(const char *path)
{
    char problem[ACL_PROBLEM_BYTES] = "";
    struct acl *acl = NULL;

    if (acl_file_read(&acl, alloc_system(), path, problem) != WILCO_OK) {
        (void)fail(path, problem);
        return NULL;
    }
    return acl;
}

static int
check(const char *path)
{
    struct acl *acl = read_file(path);

    if (acl == NULL) {
        return EXIT_CODE_USAGE;
    }
    (void)printf("%s: %zu rules, %zu users with rules of their own\n", path, acl_size(acl).rules,
                 acl_size(acl).users);
    acl_free(acl);
    return output_finish() ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

static bool
read_action(enum access_action *out, const char *word)
{
    static const struct {
        const char *word;
        enum access_action action;
    } rows[] = {
        {"publish", ACCESS_PUBLISH}, {"write", ACCESS_PUBLISH}, {"subscribe", ACCESS_SUBSCRIBE},
        {"receive", ACCESS_RECEIVE}, {"read", ACCESS_RECEIVE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].word, word) == 0) {
            *out = rows[i].action;
            return true;
        }
    }
    return false;
}

/* What no file decides; NULL: nothing. */
static const char *
own_rule(const struct question *q)
{
    struct topic_levels levels = topic_levels_of(q->topic);
    struct span root = SPAN_EMPTY;

    (void)topic_level_next(&levels, &root);
    if (span_equal(root, SPAN_LITERAL("$r"))) {
        return "nobody but its owner receives what is in an inbox, and nobody but who was asked "
               "publishes to it, whatever a file says";
    }
    return q->action == ACCESS_PUBLISH && q->topic.len > 0 && q->topic.data[0] == '$' &&
                   !span_equal(root, SPAN_LITERAL("$SRV"))
               ? "no client publishes to topics that begin with $"
               : NULL;
}

static int
say(const struct acl *acl, const struct question *q)
{
    const char *rule = own_rule(q);
    const struct acl_verdict v = acl_judge(acl, &q->who, q->action, q->topic);
    struct span line = acl_line_text(acl, v.line);
    bool may = v.may && rule == NULL;

    if (rule != NULL) {
        (void)printf("denied: %s\n", rule);
    } else if (v.line != 0) {
        (void)printf("%s by line %u: %.*s\n", may ? "permitted" : "denied", (unsigned)v.line,
                     (int)line.len, (const char *)line.data);
    } else {
        (void)printf("denied: %s\n", v.words);
    }
    if (may && q->action == ACCESS_SUBSCRIBE && topic_has_wildcard(q->topic)) {
        (void)printf("Only messages of topics that the client may receive are sent to it.\n");
    }
    return !output_finish() ? EXIT_CODE_USAGE : may ? EXIT_CODE_OK : EXIT_CODE_DENIED;
}

/* NULL: it is in order. */
static const char *
read_question(struct question *q, char **words)
{
    struct span group = SPAN_EMPTY;

    q->who = (struct access_subject){
        .user = strcmp(words[0], "-") == 0 ? SPAN_EMPTY : span_of_text(words[0]),
        .client_id = span_of_text(words[1]),
    };
    if (!read_action(&q->action, words[2])) {
        return "the action is publish, subscribe or receive";
    }
    q->topic = span_of_text(words[3]);
    if (q->action != ACCESS_SUBSCRIBE) {
        return topic_name_is_valid(q->topic) ? NULL : "this is no valid topic";
    }
    if (!topic_filter_is_valid(q->topic)) {
        return "this is no valid topic filter";
    }
    (void)topic_share_split(q->topic, &group, &q->topic);
    return NULL;
}

/* Of the broker's configuration. False: it has said what is wrong. */
static bool
find_acl_file(const char *config, char path[CONFIG_PATH_BYTES])
{
    static struct config c;
    static struct problems problems;
    const struct broker_main_options options = {.config = config};

    problems = (struct problems){.count = 0};
    options_gather(&c, &options, &problems);
    for (size_t i = 0; i < problems_kept(&problems); i++) {
        (void)fprintf(stderr, "wilco acl: %s\n", problems.lines[i]);
    }
    (void)snprintf(path, CONFIG_PATH_BYTES, "%s", c.acl_file);
    return problems.count == 0;
}

static int
explain(const struct acl_command *c, char **words)
{
    char path[CONFIG_PATH_BYTES] = "";
    struct question q = {.topic = SPAN_EMPTY};
    const char *why = read_question(&q, words);
    struct acl *acl = NULL;
    int exit_code = EXIT_CODE_USAGE;

    if (why != NULL) {
        return options_wrong("%s", why);
    }
    if ((c->acl_file == NULL) == (c->config == NULL)) {
        return options_wrong("which file? --acl-file FILE or --config FILE");
    }
    if (c->config != NULL && !find_acl_file(c->config, path)) {
        return EXIT_CODE_USAGE;
    }
    if (c->config != NULL && path[0] == '\0') {
        (void)printf("permitted: %s names no acl_file\n", c->config);
        return output_finish() ? EXIT_CODE_OK : EXIT_CODE_USAGE;
    }
    acl = read_file(c->acl_file != NULL ? c->acl_file : path);
    if (acl != NULL) {
        exit_code = say(acl, &q);
        acl_free(acl);
    }
    return exit_code;
}

static int
run_command(int argc, char **argv)
{
    struct acl_command c = {.acl_file = NULL};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (!options_parse(&command_acl, &c, argc, argv, &word_count, &exit_code)) {
        return exit_code;
    }
    if (word_count == 2 && strcmp(argv[1], "check") == 0) {
        return check(argv[2]);
    }
    if (word_count == 5 && strcmp(argv[1], "explain") == 0) {
        return explain(&c, argv + 2);
    }
    return options_wrong("explain USER CLIENT ACTION TOPIC, or check FILE");
}

const struct command command_acl = {
    .name = "acl",
    .summary = "say what an ACL file permits, and why",
    .manual = &acl_manual,
    .groups = acl_groups,
    .group_count = sizeof(acl_groups) / sizeof(acl_groups[0]),
    .words_max = 5,
    .words = "explain|check",
    .run = run_command,
};
