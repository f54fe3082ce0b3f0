#ifndef WILCO_CLI_CONFIG_PAGE_H
#define WILCO_CLI_CONFIG_PAGE_H

#include "cli/manual.h"

/* The configuration file of the broker and its man page, made from the broker's tables. */
extern const struct manual_file config_page;

#endif
