#define _POSIX_C_SOURCE 200809L

#include "cli/commands.h"

#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/outgoing.h"
#include "cli/output.h"
#include "cli/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct pub_command {
    struct outgoing outgoing;
    bool show;
    struct connection_options connection;
};

#define FIELD(name) offsetof(struct pub_command, name)
static const struct option pub_rows[] = {
    {"qos", 'q', "QOS", "quality of service: 0, 1 or 2 (default 0)", option_qos,
     FIELD(outgoing.qos)},
    {"retain", 'r', NULL, "keep it for later subscribers", option_flag, FIELD(outgoing.retain)},
    {"lines", 'l', NULL, "each line of standard input is a message", option_flag,
     FIELD(outgoing.by_line)},
    {"expiry", 0, "SECONDS", "drop it when it was not delivered by then", option_u32,
     FIELD(outgoing.properties.expiry_s)},
    {"show", 'v', NULL, "show the message with its properties on standard\nerror", option_flag,
     FIELD(show)},
};

static const enum exit_code pub_exit_codes[] = {
    EXIT_CODE_OK, EXIT_CODE_USAGE, EXIT_CODE_CONNECTION, EXIT_CODE_REFUSED, EXIT_CODE_INTERRUPTED,
};

static const struct manual pub_manual = {
    .name = "wilco pub",
    .synopsis = "wilco pub [OPTION]... TOPIC [PAYLOAD|-]",
    .about =
        "Publishes a message and waits until it is on its way, or acknowledged as its QoS asks.",
    .examples = "  wilco pub lights/kitchen on\n"
                "  wilco pub -t lights/kitchen -m on -q 1 -r\n"
                "  wilco pub cameras/door -f picture.jpg --content-type image/jpeg\n"
                "  tail -f access.log | wilco pub logs/web -l\n"
                "  wilco pub requests/device1/getConfig '{}' -H trace:17 \\\n"
                "      --response-topic responses/device1/getConfig --correlation abcdef12345\n",
    .exit_codes = pub_exit_codes,
    .exit_code_count = sizeof(pub_exit_codes) / sizeof(pub_exit_codes[0]),
};

static bool
parse(struct pub_command *c, int argc, char **argv, size_t *word_count, int *exit_code)
{
    const struct option_group groups[] = {
        {"Publishing", pub_rows, sizeof(pub_rows) / sizeof(pub_rows[0]), c},
        {"Message", outgoing_rows, outgoing_count, &c->outgoing},
        {"Properties", properties_common_rows, properties_common_count, &c->outgoing.properties},
        {NULL, properties_request_rows, properties_request_count, &c->outgoing.properties},
        {"Connection", connection_rows, connection_row_count, &c->connection},
    };
    const struct command_line line = {
        .manual = &pub_manual,
        .groups = groups,
        .group_count = sizeof(groups) / sizeof(groups[0]),
        .words_max = 2,
    };

    return options_parse(&line, argc, argv, word_count, exit_code);
}

static int
publish(const struct pub_command *c, struct wilco *client, const struct wilco_publish *p)
{
    uint8_t reason_code = 0;
    enum wilco_status status;

    if (c->show) {
        struct view view = view_of_publish(p);

        output_show(stderr, "message", &view);
        view_fini(&view);
    }
    status = wilco_publish(client, p, &reason_code);
    if (status != WILCO_OK) {
        return connection_failed("publish to", p->topic, status, reason_code);
    }
    say_debug("published %zu bytes to %s: 0x%02X %s", p->payload.len, p->topic, reason_code,
              wilco_reason_text(reason_code));
    return EXIT_CODE_OK;
}

static int
publish_lines(const struct pub_command *c, struct wilco *client, struct wilco_publish p)
{
    int exit_code = EXIT_CODE_OK;
    char *text = NULL;
    size_t capacity = 0;
    ssize_t len;

    while (exit_code == EXIT_CODE_OK && (len = getline(&text, &capacity, stdin)) >= 0) {
        if (len > 0 && text[len - 1] == '\n') {
            len--;
        }
        p.payload = (struct wilco_bytes){text, (size_t)len};
        exit_code = publish(c, client, &p);
    }
    if (exit_code == EXIT_CODE_OK && ferror(stdin)) {
        say("cannot read standard input: %s", say_errno(errno).text);
        exit_code = EXIT_CODE_USAGE;
    }
    free(text);
    return exit_code;
}

static int
run(struct pub_command *c, char **words, size_t word_count)
{
    struct connection connection;
    struct wilco_publish p;
    int exit_code = connection_prepare(&c->connection);

    if (exit_code == EXIT_CODE_OK) {
        exit_code = outgoing_complete(&c->outgoing, words, word_count, c->connection.topic);
    }
    if (exit_code == EXIT_CODE_OK) {
        exit_code = connection_open(&connection, &c->connection);
    }
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    p = outgoing_publish(&c->outgoing);
    exit_code = c->outgoing.by_line ? publish_lines(c, connection.client, p)
                                    : publish(c, connection.client, &p);
    return connection_close(&connection, exit_code);
}

int
cmd_pub(int argc, char **argv)
{
    struct pub_command c = {0};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (parse(&c, argc, argv, &word_count, &exit_code)) {
        exit_code = run(&c, argv + 1, word_count);
    }
    connection_options_fini(&c.connection);
    outgoing_fini(&c.outgoing);
    return exit_code;
}
