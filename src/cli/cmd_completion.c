#include "cli/commands.h"

#include "cli/completion.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/output.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    void (*write)(FILE *out);
} shells[] = {
    {"bash", completion_bash},
    {"zsh", completion_zsh},
    {"fish", completion_fish},
};

static const enum exit_code completion_exit_codes[] = {EXIT_CODE_OK, EXIT_CODE_USAGE};

static const struct manual completion_manual = {
    .name = "wilco completion",
    .synopsis = "wilco completion (bash | zsh | fish)",
    .about =
        "Writes a script for a shell, which then completes commands and options of wilco with the\n"
        "Tab key. Where Wilco is installed in a usual place, the shells find theirs there.",
    .examples = "  eval \"$(wilco completion bash)\"       # in ~/.bashrc\n"
                "  eval \"$(wilco completion zsh)\"        # in ~/.zshrc, behind compinit\n"
                "  wilco completion fish > ~/.config/fish/completions/wilco.fish\n",
    .exit_codes = completion_exit_codes,
    .exit_code_count = sizeof(completion_exit_codes) / sizeof(completion_exit_codes[0]),
};

static int
run_command(int argc, char **argv)
{
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (!options_parse(&command_completion, NULL, argc, argv, &word_count, &exit_code)) {
        return exit_code;
    }
    for (size_t i = 0; word_count == 1 && i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (strcmp(argv[1], shells[i].name) == 0) {
            shells[i].write(stdout);
            return output_finish() ? EXIT_CODE_OK : EXIT_CODE_USAGE;
        }
    }
    return options_wrong("for which shell? bash, zsh or fish");
}

const struct command command_completion = {
    .name = "completion",
    .summary = "write a script that completes command lines",
    .manual = &completion_manual,
    .words_max = 1,
    .words = "bash|zsh|fish",
    .run = run_command,
};
