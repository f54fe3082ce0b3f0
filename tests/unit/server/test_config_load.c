#define _POSIX_C_SOURCE 200809L

#include "broker/server/config/load.h"
#include "support/failing_alloc.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_BYTES 200

/* A folder for each test, with a folder d in it. */
struct place {
    char root[32];
};

static void
path_of(const struct place *p, const char *name, char out[PATH_BYTES])
{
    (void)snprintf(out, PATH_BYTES, "%s/%s", p->root, name);
}

static int
set_up(void **state)
{
    struct place *p = malloc(sizeof(*p));
    char folder[PATH_BYTES];

    assert_non_null(p);
    (void)snprintf(p->root, sizeof(p->root), "/tmp/wilco-config-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    path_of(p, "d", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    *state = p;
    return 0;
}

static void
remove_all(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry = NULL;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[PATH_BYTES + 300];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (unlink(path) != 0) {
            (void)rmdir(path);
        }
    }
    (void)closedir(dir);
    (void)rmdir(folder);
}

static int
tear_down(void **state)
{
    struct place *p = *state;
    char folder[PATH_BYTES];

    path_of(p, "d", folder);
    remove_all(folder);
    remove_all(p->root);
    free(p);
    return 0;
}

static void
write_bytes(const struct place *p, const char *name, const char *text, size_t len)
{
    char path[PATH_BYTES];
    FILE *file = NULL;

    path_of(p, name, path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void
write_text(const struct place *p, const char *name, const char *text)
{
    write_bytes(p, name, text, strlen(text));
}

/* The environment has one variable: where the test's folder is. */
static const char *
get(void *context, const char *name)
{
    const struct place *p = context;

    return strcmp(name, "ROOT") == 0 ? p->root : NULL;
}

static void
load_with(struct config *c, struct problems *problems, struct place *p,
          const struct wilco_alloc *alloc)
{
    const struct config_environment environment = {.get = get, .context = p};
    char path[PATH_BYTES];

    path_of(p, "main.conf", path);
    config_init(c);
    *problems = (struct problems){.count = 0};
    config_load(c, path, &environment, alloc, problems);
}

static void
load(struct config *c, struct problems *problems, struct place *p)
{
    load_with(c, problems, p, alloc_system());
}

static void
assert_one_problem(const struct problems *p, const char *part)
{
    assert_int_equal(p->count, 1);
    if (strstr(p->lines[0], part) == NULL) {
        fail_msg("%s", p->lines[0]);
    }
}

static void
reads_a_file(void **state)
{
    static struct config c;
    static struct problems problems;

    write_text(*state, "main.conf", "shards 3\nlisten unix:${ROOT}/s");
    load(&c, &problems, *state);
    assert_int_equal(problems.count, 0);
    assert_int_equal(c.shards, 3);
    assert_non_null(strstr(c.listen[0], "/tmp/wilco-config-"));
}

static void
says_why_a_file_cannot_be_read(void **state)
{
    static struct config c;
    static struct problems problems;
    const struct place *p = *state;
    char path[PATH_BYTES];

    load(&c, &problems, *state);
    assert_one_problem(&problems, "/main.conf: cannot be read: No such file or directory");
    path_of(p, "main.conf", path);
    assert_int_equal(mkdir(path, 0700), 0);
    load(&c, &problems, *state);
    assert_one_problem(&problems, "/main.conf: cannot be read: this is a folder");
    assert_int_equal(rmdir(path), 0);
    write_text(p, "main.conf", "shards 3");
    assert_int_equal(chmod(path, 0), 0);
    load(&c, &problems, *state);
    if (geteuid() == 0) { /* who may read everything */
        assert_int_equal(problems.count, 0);
    } else {
        assert_one_problem(&problems, "/main.conf: cannot be read: Permission denied");
    }
}

static void
a_file_has_a_size(void **state)
{
    static struct config c;
    static struct problems problems;
    char *text = malloc(CONFIG_FILE_BYTES_MAX + 1);

    assert_non_null(text);
    memset(text, '\n', CONFIG_FILE_BYTES_MAX + 1);
    memcpy(text, "shards 3", 8);
    write_bytes(*state, "main.conf", text, CONFIG_FILE_BYTES_MAX);
    load(&c, &problems, *state);
    assert_int_equal(problems.count, 0);
    assert_int_equal(c.shards, 3);
    write_bytes(*state, "main.conf", text, CONFIG_FILE_BYTES_MAX + 1);
    load(&c, &problems, *state);
    assert_one_problem(&problems, "larger than 1 MiB");
    free(text);
}

static void
includes_files_in_their_order(void **state)
{
    static struct config c;
    static struct problems problems;

    write_text(*state, "main.conf",
               "shards 1\ninflight_max 1\ninclude_dir ${ROOT}/d\nsubscriptions_max 1\n");
    write_text(*state, "d/b.conf", "shards 3\nsubscriptions_max 3\nlisten 127.0.0.1:3\n");
    write_text(*state, "d/a.conf", "shards 2\nsubscriptions_max 2\nlisten 127.0.0.1:2\n");
    write_text(*state, "d/Z.conf", "shards 4\nlisten 127.0.0.1:4\n");
    write_text(*state, "d/c.conf.old", "this is not read");
    write_text(*state, "d/.conf", "nor is this");
    load(&c, &problems, *state);
    assert_int_equal(problems.count, 0);
    assert_int_equal(c.shards, 3);
    assert_int_equal(c.settings.inflight_max, 1);
    assert_int_equal(c.settings.subscriptions_max, 1); /* the lines below prevail again */
    assert_int_equal(c.listen_count, 3);
    assert_string_equal(c.listen[0], "127.0.0.1:4"); /* upper case comes first */
    assert_string_equal(c.listen[1], "127.0.0.1:2");
    assert_string_equal(c.listen[2], "127.0.0.1:3");
}

/* What a file says about a listener is about its own. */
static void
listeners_are_those_of_the_same_file(void **state)
{
    static struct config c;
    static struct problems problems;

    write_text(*state, "main.conf",
               "listener 1\ninclude_dir ${ROOT}/d\nlistener_inbox_prefix $r/1\n");
    write_text(*state, "d/a.conf", "listener 2\nlistener_inbox_prefix $r/2\n");
    load(&c, &problems, *state);
    assert_int_equal(problems.count, 0);
    assert_int_equal(c.listen_count, 2);
    assert_string_equal(c.entrances[0].inbox_prefix, "$r/1");
    assert_string_equal(c.entrances[1].inbox_prefix, "$r/2");
    write_text(*state, "d/a.conf", "listener_inbox_prefix $r/2\n");
    load(&c, &problems, *state);
    assert_one_problem(&problems, "d/a.conf:1: listener_inbox_prefix: no listen or listener line");
}

static void
problems_in_included_files_name_them(void **state)
{
    static struct config c;
    static struct problems problems;

    write_text(*state, "main.conf", "include_dir ${ROOT}/d\nshards 0\nshards 1\n");
    write_text(*state, "d/a.conf", "\ninclude_dir ${ROOT}/d\n");
    load(&c, &problems, *state);
    assert_int_equal(problems.count, 3);
    assert_non_null(strstr(problems.lines[0], "/d/a.conf:2: include_dir: only the file"));
    assert_non_null(strstr(problems.lines[1], "/main.conf:2: shards: \"0\""));
    assert_non_null(strstr(problems.lines[2], "/main.conf:3: shards: line 2 says this already"));
}

static void
says_why_a_folder_cannot_be_read(void **state)
{
    static struct config c;
    static struct problems problems;

    write_text(*state, "main.conf", "include_dir ${ROOT}/nowhere\n");
    load(&c, &problems, *state);
    assert_one_problem(&problems, "main.conf:1: include_dir: the folder ");
    assert_one_problem(&problems, "No such file or directory");
    write_text(*state, "main.conf", "include_dir ${ROOT}/main.conf\n");
    load(&c, &problems, *state);
    assert_one_problem(&problems, "Not a directory");
}

static void
a_folder_has_so_many_files(void **state)
{
    static struct config c;
    static struct problems problems;
    char name[32];

    write_text(*state, "main.conf", "include_dir ${ROOT}/d\n");
    for (unsigned i = 0; i < CONFIG_INCLUDES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "d/%03u.conf", i);
        write_text(*state, name, i == CONFIG_INCLUDES_MAX - 1 ? "shards 9" : "shards 8");
    }
    load(&c, &problems, *state);
    assert_int_equal(problems.count, 0);
    assert_int_equal(c.shards, 9);
    write_text(*state, "d/one-more.conf", "");
    load(&c, &problems, *state);
    assert_one_problem(&problems, "more than 256 files end in .conf");
}

static void
every_allocation_may_fail(void **state)
{
    static struct config c;
    static struct problems problems;
    size_t fail_at = 1;

    write_text(*state, "main.conf", "shards 2\ninclude_dir ${ROOT}/d\n");
    write_text(*state, "d/a.conf", "shards 3\n");
    for (;; fail_at++) {
        struct failing_alloc f;

        failing_alloc_init(&f, fail_at);
        load_with(&c, &problems, *state, &f.alloc);
        assert_int_equal(f.live, 0);
        if (f.attempts < fail_at) {
            break;
        }
        assert_int_equal(problems.count, 1);
        assert_true(strstr(problems.lines[0], "Cannot allocate memory") != NULL ||
                    strstr(problems.lines[0], "out of memory") != NULL);
    }
    assert_int_equal(problems.count, 0);
    assert_true(fail_at > 3); /* two files and the names */
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(reads_a_file),
        IN_A_FOLDER(says_why_a_file_cannot_be_read),
        IN_A_FOLDER(a_file_has_a_size),
        IN_A_FOLDER(includes_files_in_their_order),
        IN_A_FOLDER(listeners_are_those_of_the_same_file),
        IN_A_FOLDER(problems_in_included_files_name_them),
        IN_A_FOLDER(says_why_a_folder_cannot_be_read),
        IN_A_FOLDER(a_folder_has_so_many_files),
        IN_A_FOLDER(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
