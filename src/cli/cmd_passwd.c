#define _DEFAULT_SOURCE /* explicit_bzero */

#include "cli/commands.h"

#include "base/status.h"
#include "broker/auth/password_edit.h"
#include "broker/auth/password_file.h"
#include "broker/auth/scram_secret.h"
#include "broker/auth/secret_file.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/say.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_BYTES_MAX 65535U /* of a CONNECT */

struct passwd_command {
    bool create;
    bool remove;
    bool batch;
    bool upgrade;
    struct option_scheme {
        enum password_scheme value;
        bool is_scram; /* in its place */
    } scheme;
    struct option_number iterations;
};

static const char *
take_scheme(void *field, struct option_input *in)
{
    const char *word = option_take(in);
    struct option_scheme *scheme = field;

    scheme->is_scram = word != NULL && strcmp(word, "scram-sha-256") == 0;
    if (scheme->is_scram) {
        return NULL;
    }
    return word != NULL && password_scheme_parse(&scheme->value, word) == WILCO_OK
               ? NULL
               : "argon2id, sha512-pbkdf2, sha512 or scram-sha-256";
}

#define FIELD(name) offsetof(struct passwd_command, name)
static const struct option passwd_rows[] = {
    {"create", 'c', NULL, "make FILE, which must not be there yet", option_flag, FIELD(create)},
    {"delete", 'D', NULL, "remove USER", option_flag, FIELD(remove)},
    {"batch", 'b', NULL,
     "take the password from the command line, where others on\n"
     "this machine can see it; standard input is better",
     option_flag, FIELD(batch)},
    {"upgrade", 'U', NULL, "give each line that has a plain password its hash", option_flag,
     FIELD(upgrade)},
    {"hash", 'H', "argon2id|sha512-pbkdf2|sha512|scram-sha-256",
     "how passwords are kept (default argon2id; mosquitto 2.0 reads\n"
     "the next two; sha512 is quick to guess; scram-sha-256 is for\n"
     "the scram_file of a broker)",
     take_scheme, FIELD(scheme)},
    {"iterations", 'I', "NUMBER",
     "work for each guess: iterations of sha512-pbkdf2 (default\n"
     "210000) and scram-sha-256 (100000), or passes of argon2id (2)",
     option_count, FIELD(iterations)},
    {.name = NULL},
};

static const struct option_group passwd_groups[] = {
    {"Options", passwd_rows, 0},
};

static const enum exit_code passwd_exit_codes[] = {EXIT_CODE_OK, EXIT_CODE_USAGE};
static const char *const passwd_exit_texts[] = {
    "the file is as it was asked for",
    "it is not, and has not been touched",
};

static const struct manual passwd_manual = {
    .name = "wilco passwd",
    .synopsis = "wilco passwd [OPTION]... FILE [USER] [PASSWORD]",
    .about =
        "Gives USER a password in FILE, a password file of wilco broker or of mosquitto. The\n"
        "password is asked for at the terminal, twice, or is the first line of standard input.\n"
        "FILE is replaced as a whole, and a broker reads it again on SIGHUP.",
    .examples = "  wilco passwd --create passwords alice\n"
                "  pwgen 20 1 | tee alice.txt | wilco passwd passwords alice\n"
                "  wilco passwd --delete passwords alice\n"
                "  wilco passwd --hash sha512-pbkdf2 passwords bob\n",
    .exit_codes = passwd_exit_codes,
    .exit_code_count = sizeof(passwd_exit_codes) / sizeof(passwd_exit_codes[0]),
    .exit_texts = passwd_exit_texts,
};

/* Passwords. */

struct password {
    char text[PASSWORD_BYTES_MAX + 2];
    size_t len;
};

/* One line of standard input, without its end. False: it has said why. */
static bool
read_line(struct password *out)
{
    if (fgets(out->text, sizeof(out->text), stdin) == NULL) {
        say("no password has come on standard input");
        return false;
    }
    out->len = strcspn(out->text, "\r\n");
    if (out->len > PASSWORD_BYTES_MAX) {
        say("the password is longer than %u bytes", PASSWORD_BYTES_MAX);
        return false;
    }
    out->text[out->len] = '\0';
    return true;
}

/* Without echo; signals wait until that is on again. */
static bool
prompt(const char *question, struct password *out)
{
    struct termios before;
    struct termios silent;
    sigset_t all;
    sigset_t mask;
    bool is_read = false;

    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        return read_line(out);
    }
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &mask);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    (void)fputs(question, stderr); /* now: an answer that is quick is neither shown nor dropped */
    (void)fflush(stderr);
    is_read = read_line(out);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    (void)fputc('\n', stderr);
    return is_read;
}

static bool
ask(struct password *out)
{
    static struct password again;
    bool is_same = false;

    if (isatty(STDIN_FILENO) == 0) {
        return read_line(out);
    }
    if (!prompt("Password: ", out) || !prompt("Again: ", &again)) {
        return false;
    }
    is_same = strcmp(out->text, again.text) == 0;
    explicit_bzero(&again, sizeof(again));
    if (!is_same) {
        say("the two are different");
    }
    return is_same;
}

/* From the command line, which is then overwritten. */
static bool
take_word(char *word, struct password *out)
{
    size_t len = strlen(word);
    bool fits = len <= PASSWORD_BYTES_MAX;

    say_note("a password on the command line can be seen by others on this machine while it runs; "
             "standard input is better");
    if (fits) {
        memcpy(out->text, word, len + 1);
        out->len = len;
    } else {
        say("the password is longer than %u bytes", PASSWORD_BYTES_MAX);
    }
    explicit_bzero(word, len);
    return fits;
}

/* Changes. */

static bool
complain(enum wilco_status status, const char *what)
{
    if (status != WILCO_OK) {
        say("%s: %s", what, status_text(status));
    }
    return status == WILCO_OK;
}

static bool
set_scram(const struct passwd_command *c, struct span text, struct span user, struct span password,
          struct buffer *out)
{
    struct scram_secret secret;
    char written[SCRAM_SECRET_TEXT_BYTES];
    uint32_t iterations = c->iterations.value > 0 ? (uint32_t)c->iterations.value
                                                  : (uint32_t)SCRAM_ITERATIONS_STANDARD;
    bool is_done = complain(scram_secret_make(&secret, password, iterations, random_system()),
                            "cannot hash the password");

    if (is_done) {
        (void)scram_secret_write(written, &secret);
        is_done = complain(password_edit_set_text(out, text, user, written), "cannot add the user");
    }
    explicit_bzero(&secret, sizeof(secret));
    return is_done;
}

static bool
set_hash(const struct passwd_command *c, struct span text, struct span user, struct span password,
         struct buffer *out)
{
    struct password_cost cost = password_cost_standard(c->scheme.value);
    struct password_hash hash;

    if (c->iterations.value > 0) {
        cost.iterations = (uint32_t)c->iterations.value;
    }
    return complain(password_hash_make(&hash, &cost, password, random_system()),
                    "cannot hash the password") &&
           complain(password_edit_set(out, text, user, &hash), "cannot add the user");
}

static bool
set_password(const struct passwd_command *c, struct span text, int words, char **argv,
             struct buffer *out)
{
    static struct password password;
    struct span user = span_of_text(argv[2]);
    bool is_there = c->batch ? words == 3 && take_word(argv[3], &password) : ask(&password);
    bool is_done = false;

    if (is_there && password.len == 0) {
        say("the password is empty");
        is_there = false;
    }
    if (is_there) {
        struct span bytes = span_of(password.text, password.len);

        is_done = c->scheme.is_scram ? set_scram(c, text, user, bytes, out)
                                     : set_hash(c, text, user, bytes, out);
    }
    explicit_bzero(&password, sizeof(password));
    return is_done;
}

static bool
upgrade(const struct passwd_command *c, struct span text, const char *path, struct buffer *out)
{
    struct password_cost cost = password_cost_standard(c->scheme.value);
    size_t count = 0;
    size_t line = 0;
    enum wilco_status status = WILCO_OK;

    if (c->iterations.value > 0) {
        cost.iterations = (uint32_t)c->iterations.value;
    }
    status = password_edit_upgrade(out, text, &cost, random_system(), &count, &line);
    if (status == WILCO_EMALFORMED) {
        say("%s: line %zu is not USER:PASSWORD", path, line);
        return false;
    }
    if (complain(status, path)) {
        say_note("%zu passwords were plain text", count);
    }
    return status == WILCO_OK;
}

static bool
change(const struct passwd_command *c, struct span text, int words, char **argv, struct buffer *out)
{
    enum wilco_status status = WILCO_OK;

    if (c->upgrade) {
        return upgrade(c, text, argv[1], out);
    }
    if (!c->remove) {
        return set_password(c, text, words, argv, out);
    }
    status = password_edit_remove(out, text, span_of_text(argv[2]));
    if (status == WILCO_ENOTFOUND) {
        say("%s: there is no user \"%s\"", argv[1], argv[2]);
        return false;
    }
    return complain(status, argv[1]);
}

/* What is there already; false: it has said why that is wrong. */
static bool
read_file(const struct passwd_command *c, const char *path, struct buffer *out)
{
    char why[SECRET_FILE_WHY_BYTES] = "";
    bool is_there = access(path, F_OK) == 0;

    if (c->create && is_there) {
        say("%s is there already; without --create the user is added to it", path);
        return false;
    }
    if (c->create) {
        return true;
    }
    if (!is_there && errno == ENOENT) {
        say("%s is not there; --create makes it", path);
        return false;
    }
    if (secret_file_read(out, alloc_system(), path, false, PASSWORD_FILE_BYTES_MAX, why) !=
        WILCO_OK) {
        say("%s", why);
        return false;
    }
    return true;
}

static bool
run(const struct passwd_command *c, int words, char **argv)
{
    struct buffer before;
    struct buffer after;
    bool is_done = false;

    buffer_init(&before, alloc_system(), SECRET_FILE_BYTES_MAX);
    buffer_init(&after, alloc_system(), SECRET_FILE_BYTES_MAX);
    if (read_file(c, argv[1], &before) && change(c, buffer_span(&before), words, argv, &after)) {
        is_done = password_edit_write(argv[1], buffer_span(&after)) == WILCO_OK;
        if (!is_done) {
            say("%s cannot be written: %s", argv[1], say_errno(errno).text);
        }
    }
    secret_file_wipe(&before);
    secret_file_wipe(&after);
    return is_done;
}

static bool
scram_is_possible(const struct passwd_command *c, struct span user)
{
    return !c->upgrade && user.len <= SCRAM_NAME_BYTES_MAX &&
           (c->iterations.value == 0 || (c->iterations.value >= SCRAM_ITERATIONS_MIN &&
                                         c->iterations.value <= SCRAM_ITERATIONS_MAX));
}

/* 0, or the exit code after it has said what is wrong. */
static int
check(const struct passwd_command *c, int words, char **argv)
{
    uint32_t most = c->scheme.value == PASSWORD_PBKDF2 ? PASSWORD_PBKDF2_ITERATIONS_MAX
                                                       : PASSWORD_ARGON2_PASSES_MAX;

    if (c->upgrade ? words != 1 : words < 2) {
        return options_wrong(c->upgrade ? "--upgrade needs a FILE, and no user"
                                        : "a FILE and a USER are needed");
    }
    if (c->create + c->remove + c->upgrade > 1) {
        return options_wrong("--create, --delete and --upgrade exclude each other");
    }
    if (c->batch ? words != 3 : words == 3) {
        return options_wrong(c->batch ? "--batch needs a FILE, a USER and a PASSWORD"
                                      : "a password on the command line needs --batch");
    }
    if (!c->upgrade && !password_user_is_valid(span_of_text(argv[2]))) {
        return options_wrong("a user name is UTF-8 without a colon or control characters, and does "
                             "not begin with #");
    }
    if (c->scheme.is_scram) {
        return scram_is_possible(c, span_of_text(argv[2]))
                   ? EXIT_CODE_OK
                   : options_wrong("scram-sha-256: 4096 to 1000000 iterations, user names of 512 "
                                   "bytes at most, and no --upgrade");
    }
    if (c->iterations.value > most ||
        (c->iterations.value > 0 && c->scheme.value == PASSWORD_SHA512)) {
        return options_wrong("--iterations: 10000000 at most for sha512-pbkdf2, 1000 for argon2id, "
                             "and none for sha512");
    }
    return EXIT_CODE_OK;
}

static int
run_command(int argc, char **argv)
{
    struct passwd_command c = {.scheme = {.value = PASSWORD_ARGON2ID}};
    size_t word_count = 0;
    int exit_code = EXIT_CODE_OK;

    if (!options_parse(&command_passwd, &c, argc, argv, &word_count, &exit_code)) {
        return exit_code;
    }
    exit_code = check(&c, (int)word_count, argv);
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    return run(&c, (int)word_count, argv) ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

const struct command command_passwd = {
    .name = "passwd",
    .summary = "give users of a broker their passwords",
    .manual = &passwd_manual,
    .groups = passwd_groups,
    .group_count = 1,
    .words_max = 3,
    .run = run_command,
};
