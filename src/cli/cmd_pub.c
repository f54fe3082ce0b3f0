#define _POSIX_C_SOURCE 200809L

#include "cli/commands.h"

#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/lines.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/outgoing.h"
#include "cli/output.h"
#include "cli/publisher.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <stdio.h>
#include <unistd.h>

struct pub_command {
    struct outgoing outgoing;
    bool show;
    struct connection_options connection;
};

#define FIELD(name) offsetof(struct pub_command, name)
static const struct option pub_rows[] = {
    {"qos", 'q', "0|1|2", "quality of service (default 0)", option_qos, FIELD(outgoing.qos)},
    {"retain", 'r', NULL, "keep it for later subscribers", option_flag, FIELD(outgoing.retain)},
    {"lines", 'l', NULL, "each line of standard input is a message", option_flag,
     FIELD(outgoing.by_line)},
    {"expiry", 0, "SECONDS", "drop it when it was not delivered by then", option_u32,
     FIELD(outgoing.properties.expiry_s)},
    {"show", 'v', NULL, "show the message with its properties on standard\nerror", option_flag,
     FIELD(show)},
    {.name = NULL},
};

static const struct option_group pub_groups[] = {
    {"Publishing", pub_rows, 0},
    {"Message", outgoing_rows, FIELD(outgoing)},
    {"Properties", properties_common_rows, FIELD(outgoing.properties)},
    {NULL, properties_request_rows, FIELD(outgoing.properties)},
    {"Connection", connection_server_rows, FIELD(connection)},
    {NULL, connection_rows, FIELD(connection)},
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
    .environment = connection_variables,
    .exit_codes = pub_exit_codes,
    .exit_code_count = sizeof(pub_exit_codes) / sizeof(pub_exit_codes[0]),
};

static void
publish(const struct pub_command *c, struct publisher *publisher, const struct wilco_publish *p)
{
    if (c->show) {
        struct view view = view_of_publish(p);

        output_show(stderr, "message", &view);
        view_fini(&view);
    }
    publisher_add(publisher, p);
}

/* One line, or a little waiting for it. 0, or the exit code when it has said what is wrong. */
static int
publish_line(const struct pub_command *c, struct publisher *publisher, struct lines *lines,
             struct wilco_publish *p, bool *is_at_end)
{
    int error = 0;

    if (publisher_is_full(publisher)) {
        wake_wait(-1);
        return EXIT_CODE_OK;
    }
    switch (lines_next(lines, &p->payload, &error)) {
    case LINES_READ: publish(c, publisher, p); break;
    case LINES_WOKEN: break;
    case LINES_END: *is_at_end = true; break;
    case LINES_FAILED:
        say("cannot read standard input: %s", say_errno(error).text);
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

static int
publish_lines(const struct pub_command *c, struct publisher *publisher, struct wilco_publish p)
{
    struct lines lines = lines_of(STDIN_FILENO);
    int exit_code = EXIT_CODE_OK;
    bool is_at_end = false;

    while (exit_code == EXIT_CODE_OK && !is_at_end && !publisher_is_over(publisher)) {
        exit_code = publish_line(c, publisher, &lines, &p, &is_at_end);
    }
    lines_fini(&lines);
    return exit_code;
}

static int
run(struct pub_command *c, char **words, size_t word_count)
{
    struct connection connection;
    struct publisher publisher;
    struct wilco_publish p;
    int exit_code = connection_prepare(&c->connection);
    int finished;

    if (exit_code == EXIT_CODE_OK) {
        exit_code = outgoing_complete(&c->outgoing, words, word_count, c->connection.topic);
    }
    if (exit_code == EXIT_CODE_OK) {
        exit_code = connection_open(&connection, &c->connection, NULL);
    }
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    wake_on_signals();
    p = outgoing_publish(&c->outgoing);
    publisher_init(&publisher, &connection, p.topic);
    if (c->outgoing.by_line) {
        exit_code = publish_lines(c, &publisher, p);
    } else {
        publish(c, &publisher, &p);
    }
    finished = publisher_finish(&publisher);
    return wake_exit(
        connection_close(&connection, exit_code != EXIT_CODE_OK ? exit_code : finished));
}

static int
run_command(int argc, char **argv)
{
    struct pub_command c = {0};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (options_parse(&command_pub, &c, argc, argv, &word_count, &exit_code)) {
        exit_code = run(&c, argv + 1, word_count);
    }
    connection_options_fini(&c.connection);
    outgoing_fini(&c.outgoing);
    return exit_code;
}

const struct command command_pub = {
    .name = "pub",
    .summary = "publish messages",
    .manual = &pub_manual,
    .groups = pub_groups,
    .group_count = sizeof(pub_groups) / sizeof(pub_groups[0]),
    .words_max = 2,
    .run = run_command,
};
