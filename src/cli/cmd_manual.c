#include "cli/commands.h"

#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/output.h"
#include "cli/page.h"

#include <stdio.h>

static const enum exit_code manual_exit_codes[] = {EXIT_CODE_OK, EXIT_CODE_USAGE};

static const struct manual manual_manual = {
    .name = "wilco manual",
    .synopsis = "wilco manual [PAGE]",
    .about =
        "Writes a man page, in the language that man(1) reads. Without PAGE it lists them. Where\n"
        "Wilco is installed, man has them already.",
    .examples = "  wilco manual wilco-request | man -l -\n"
                "  wilco manual wilco.conf | man -l -\n",
    .exit_codes = manual_exit_codes,
    .exit_code_count = sizeof(manual_exit_codes) / sizeof(manual_exit_codes[0]),
};

static int
run_command(int argc, char **argv)
{
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (!options_parse(&command_manual, NULL, argc, argv, &word_count, &exit_code)) {
        return exit_code;
    }
    if (word_count == 0) {
        page_list(stdout);
    } else if (!page_write(stdout, argv[1])) {
        return options_wrong("there is no page \"%s\"; wilco manual lists them", argv[1]);
    }
    return output_finish() ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

const struct command command_manual = {
    .name = "manual",
    .summary = "write a man page",
    .manual = &manual_manual,
    .words_max = 1,
    .run = run_command,
};
