#ifndef WILCO_CLI_REPEAT_H
#define WILCO_CLI_REPEAT_H

#include "cli/asker.h"
#include "cli/lines.h"
#include "cli/options.h"

/* How often to ask the same request, and how fast. */
struct repeat_options {
    struct option_number count, in_flight;
    double rate; /* per second; 0: as fast as the answers come */
};
extern const struct option repeat_rows[]; /* whose target is a struct repeat_options */

/* A number per second, such as 0.5, into a double. */
const char *option_rate(void *field, struct option_input *in);
/* Not 0, and ASKER_IN_FLIGHT_MAX at most. */
const char *option_in_flight(void *field, struct option_input *in);

bool repeat_is_wanted(const struct repeat_options *o); /* whether more than one may be asked */
size_t repeat_in_flight_max(const struct repeat_options *o);

/* One request, asked as often. In an open loop (`rate`) each is due at a time that the ones before
 * have no influence on, and its latency counts from there. */
struct repeat {
    const struct repeat_options *options;
    const struct wilco_request *request;
    bool by_line; /* each line of standard input is a payload */
    struct lines lines;
    uint64_t count, count_max, start_us;
    char *payload;
};

void repeat_init(struct repeat *r, const struct repeat_options *o,
                 const struct wilco_request *request, bool by_line);
void repeat_fini(struct repeat *r);

/* As of struct asker_plan. */
enum asker_next repeat_next(struct repeat *r, struct question *q);

#endif
