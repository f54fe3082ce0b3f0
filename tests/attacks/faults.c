#define _DEFAULT_SOURCE

#include "faults.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TABLE         "tests/attacks/faults.tsv"
#define ANSWERS_BYTES 400

static char *
read_all(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    long len = 0;

    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    len = ftell(f);
    assert_true(len > 0);
    rewind(f);
    text = calloc(1, (size_t)len + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)len, f), len);
    (void)fclose(f);
    return text;
}

static const char *
next_column(char **rest)
{
    char *column = strsep(rest, "\t");

    assert_non_null(column);
    return column;
}

static void
take_line(struct fault_table *t, char *line)
{
    struct fault_row *row = &t->rows[t->count++];
    const char *phase = NULL;

    row->id = next_column(&line);
    row->settings = next_column(&line);
    row->version = (enum wire_version)strtoul(next_column(&line), NULL, 10);
    phase = next_column(&line);
    row->is_first = strcmp(phase, "first") == 0;
    assert_true(row->is_first || strcmp(phase, "live") == 0);
    row->bytes = next_column(&line);
    row->answers = next_column(&line);
    assert_null(line);
}

void
fault_table_load(struct fault_table *t)
{
    char *rest = NULL;
    char *line = NULL;
    size_t lines = 1;

    *t = (struct fault_table){.text = read_all(TABLE)};
    for (const char *at = t->text; *at != '\0'; at++) {
        lines += *at == '\n';
    }
    t->rows = calloc(lines, sizeof(*t->rows));
    assert_non_null(t->rows);
    rest = t->text;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (line[0] != '#' && line[0] != '\0') {
            take_line(t, line);
        }
    }
    assert_true(t->count > 400);
}

void
fault_table_free(struct fault_table *t)
{
    free(t->rows);
    free(t->text);
}

/* What has been answered so far, as the table writes it. */
struct answers {
    char text[ANSWERS_BYTES];
    size_t len;
    bool is_over;
};

static void
add(struct answers *a, const char *separator, const char *text)
{
    int n = snprintf(a->text + a->len, sizeof(a->text) - a->len, "%s%s",
                     a->len == 0 ? "" : separator, text);

    assert_true(n >= 0 && (size_t)n < sizeof(a->text) - a->len);
    a->len += (size_t)n;
}

static void
add_code(struct answers *a, uint8_t code)
{
    char text[4];

    (void)snprintf(text, sizeof(text), "%02X", code);
    add(a, " ", text);
}

static void
add_packet(struct answers *a, const struct wire_any *p, enum wire_version version)
{
    add(a, ";", wire_type_name(p->type));
    switch (p->type) {
    case WIRE_CONNACK:
        add_code(a, p->as.connack.reason_code);
        a->is_over = p->as.connack.reason_code != 0;
        break;
    case WIRE_DISCONNECT:
        add_code(a, p->as.disconnect.reason_code);
        a->is_over = true;
        break;
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP:
        if (version == WIRE_V5) {
            add_code(a, p->as.ack.reason_code);
        }
        break;
    case WIRE_SUBACK:
    case WIRE_UNSUBACK:
        for (size_t i = 0; i < p->as.suback.reason_codes.len; i++) {
            add_code(a, p->as.suback.reason_codes.data[i]);
        }
        break;
    default: break;
    }
}

/* Where the last of `answers` begins. */
static const char *
last_of(const char *answers)
{
    const char *at = strrchr(answers, ';');

    return at == NULL ? answers : at + 1;
}

static bool
is_end(const char *answer)
{
    return strcmp(answer, "close") == 0 || strncmp(answer, "DISCONNECT", 10) == 0 ||
           (strncmp(answer, "CONNACK", 7) == 0 && strcmp(answer, "CONNACK 00") != 0);
}

static size_t
pings_in(const char *answers)
{
    size_t count = 0;

    for (const char *at = answers; (at = strstr(at, "PINGRESP")) != NULL; at++) {
        count++;
    }
    return count;
}

/* All that comes until the end, or until a PINGREQ behind the row's bytes is answered. */
static void
collect(const struct fault_line *line, const struct fault_row *row, struct answers *a)
{
    struct wire_any packet;
    size_t pings = pings_in(row->answers);
    enum fault_next next = FAULT_PACKET;

    while ((next = line->next(line->context, &packet)) == FAULT_PACKET) {
        assert_false(a->is_over); /* nothing follows a last word */
        if (packet.type == WIRE_PINGRESP && pings == 0) {
            return;
        }
        pings -= packet.type == WIRE_PINGRESP;
        add_packet(a, &packet, row->version);
    }
    if (next == FAULT_SILENCE) {
        add(a, ";", "silence");
    } else if (!a->is_over) {
        add(a, ";", "close");
    }
}

static void
say_connect(const struct fault_line *line, enum wire_version version)
{
    static const char *const connects[] = {
        [WIRE_V31] = "10 [ {'MQIsdp'} 03 02 00 00 {'f'} ]",
        [WIRE_V311] = "10 [ {'MQTT'} 04 02 00 00 {'f'} ]",
        [WIRE_V5] = "10 [ {'MQTT'} 05 02 00 00 [ ] {'f'} ]",
    };
    struct span bytes = bytes_from(connects[version]);
    struct wire_any packet;

    line->send(line->context, bytes);
    bytes_free(bytes);
    assert_int_equal(line->next(line->context, &packet), FAULT_PACKET);
    assert_int_equal(packet.type, WIRE_CONNACK);
    assert_int_equal(packet.as.connack.reason_code, 0);
}

/* Whether it was answered as it should be. */
static bool
run_row(const struct fault_line *line, const struct fault_row *row)
{
    static const uint8_t ping[] = {0xC0, 0x00};
    struct span bytes = bytes_from(row->bytes);
    struct answers a = {.len = 0};
    bool is_right = false;

    line->open(line->context, row->version);
    if (!row->is_first) {
        say_connect(line, row->version);
    }
    line->send(line->context, bytes);
    bytes_free(bytes);
    if (!is_end(last_of(row->answers))) {
        line->send(line->context, span_of(ping, sizeof(ping)));
    }
    collect(line, row, &a);
    line->close(line->context);
    is_right = strcmp(a.len == 0 ? "-" : a.text, row->answers) == 0;
    if (!is_right) {
        print_message("%s: %s: expected %s, got %s\n", line->name, row->id, row->answers,
                      a.len == 0 ? "-" : a.text);
    }
    return is_right;
}

/* The rows that need these settings; how many were answered wrongly. */
static size_t
run_settings(const struct fault_table *t, const struct fault_line *line, const char *assignment)
{
    struct settings settings = settings_default();
    char reason[SETTINGS_REASON_BYTES];
    size_t wrong = 0;

    if (strcmp(assignment, "-") != 0) {
        assert_int_equal(settings_apply(&settings, assignment, reason), WILCO_OK);
    }
    line->start(line->context, &settings);
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->rows[i].settings, assignment) == 0) {
            wrong += !run_row(line, &t->rows[i]);
        }
    }
    line->stop(line->context);
    return wrong;
}

static bool
was_before(const struct fault_table *t, size_t row)
{
    for (size_t i = 0; i < row; i++) {
        if (strcmp(t->rows[i].settings, t->rows[row].settings) == 0) {
            return true;
        }
    }
    return false;
}

void
faults_run(const struct fault_table *t, const struct fault_line *line)
{
    size_t wrong = 0;

    for (size_t i = 0; i < t->count; i++) {
        if (!was_before(t, i)) {
            wrong += run_settings(t, line, t->rows[i].settings);
        }
    }
    print_message("%s: %zu rows, %zu answered wrongly\n", line->name, t->count, wrong);
    assert_int_equal(wrong, 0);
}
