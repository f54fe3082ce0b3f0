#ifndef WILCO_BROKER_SERVER_CONFIG_PRINT_H
#define WILCO_BROKER_SERVER_CONFIG_PRINT_H

#include <stdio.h>

/* Writes a configuration file that is its own manual: every directive with what it means and its
 * default, commented out. Explanations begin with "# ", directives with "#" and no space, so that
 * taking away the latter gives the defaults. Made from the tables; packaging/wilco.conf is a copy.
 */
void config_print(FILE *out);

#endif
