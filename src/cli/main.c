#define _POSIX_C_SOURCE 200809L

#include "base/nearest.h"
#include "cli/arguments.h"
#include "cli/colour.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/output.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
print_overview(void)
{
    const struct manual *m = command_wilco.manual;

    (void)printf("usage: %s\n\n%s\n\nCommands\n", m->synopsis, m->about);
    for (const struct command *const *c = commands; *c != NULL; c++) {
        (void)printf("  %-12s%s\n", (*c)->name, (*c)->summary);
    }
    (void)printf("\nExamples\n%s\nMore about a command: wilco help COMMAND\n"
                 "The version: wilco --version\n",
                 m->examples);
    return output_finish() ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

static const struct command *
find_command(const char *name)
{
    struct nearest nearest = nearest_init(name);

    for (const struct command *const *c = commands; *c != NULL; c++) {
        if (strcmp((*c)->name, name) == 0) {
            return *c;
        }
        nearest_offer(&nearest, (*c)->name);
    }
    if (nearest.name != NULL) {
        say("unknown command \"%s\"; did you mean %s? For help: wilco --help", name, nearest.name);
    } else {
        say("unknown command \"%s\"; for help: wilco --help", name);
    }
    return NULL;
}

static int
run_command(const char *name, int argc, char **argv)
{
    const struct command *command = find_command(name);

    if (command == NULL) {
        return EXIT_CODE_USAGE;
    }
    say_set_name(command->manual->name);
    return command->run(argc, argv);
}

/* wilco help COMMAND is wilco COMMAND --help. */
static int
help(int argc, char **argv)
{
    char option[] = "--help";
    char *words[] = {argv[0], option, NULL};

    return argc < 2 ? print_overview() : run_command(argv[1], 2, words);
}

static bool
is_one_of(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* A standard stream that is closed would be taken by the first socket, and payloads written to it.
 */
static bool
hold_standard_streams(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDONLY);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    return fd >= 0 && close(fd) == 0;
}

int
main(int argc, char **argv)
{
    if (!hold_standard_streams()) {
        return EXIT_CODE_USAGE;
    }
    arguments_remember(argv);
    wake_init();
    colour_set(COLOUR_AUTO);
    if (argc < 2) {
        say("which command? For help: wilco --help");
        return EXIT_CODE_USAGE;
    }
    if (is_one_of(argv[1], "--help", "-h")) {
        return print_overview();
    }
    if (strcmp(argv[1], "help") == 0) {
        return help(argc - 1, argv + 1);
    }
    if (is_one_of(argv[1], "--version", "-V")) {
        return manual_print_version();
    }
    return run_command(argv[1], argc - 1, argv + 1);
}
