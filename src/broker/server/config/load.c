#define _POSIX_C_SOURCE 200809L

#include "broker/server/config/load.h"

#include "base/buffer.h"
#include "broker/server/config/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES    16384U
#define PATH_BYTES    4096U /* what opendir() takes, and one more */
#define ENTRY_BYTES   256U
#define ENTRIES_BYTES ((size_t)CONFIG_INCLUDES_MAX * ENTRY_BYTES)
#define CONFIG_ENDING ".conf"

/* What is wrong with reading, in words; `error` is an errno. */
static const char *
describe(int error, char text[128])
{
    if (error == EISDIR) {
        return "this is a folder; name a file, or include it with include_dir";
    }
    if (error == EFBIG) {
        return "larger than 1 MiB: this is no configuration file";
    }
    if (strerror_r(error, text, 128) != 0) {
        (void)snprintf(text, 128, "error %d", error);
    }
    return text;
}

/* 0, or an errno. */
static int
read_all(int fd, struct buffer *out)
{
    for (;;) {
        ssize_t n = 0;

        if (buffer_reserve(out, READ_BYTES) != WILCO_OK) {
            return out->len > CONFIG_FILE_BYTES_MAX ? EFBIG : ENOMEM;
        }
        n = read(fd, out->data + out->len, READ_BYTES);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        if (n == 0) {
            return 0;
        }
        out->len += n > 0 ? (size_t)n : 0;
    }
}

static int
read_file(const char *path, struct buffer *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? errno : read_all(fd, out);

    if (fd >= 0) {
        (void)close(fd);
    }
    return error;
}

/* Reads one file with `r`, whose place is of no interest afterwards. */
static void
load_file(struct config_reader *r, const char *path)
{
    struct buffer text;
    char scratch[128];
    int error = 0;

    buffer_init(&text, r->alloc, CONFIG_FILE_BYTES_MAX + READ_BYTES);
    error = read_file(path, &text);
    if (error == 0) {
        reader_read(r, path, buffer_span(&text));
    } else {
        problems_add(r->problems, "%s: cannot be read: %s", path, describe(error, scratch));
    }
    buffer_fini(&text);
}

/* The names of a folder that are to be read. */
struct entries {
    char (*names)[ENTRY_BYTES];
    size_t count;
};

static int
compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool
is_wanted(const char *name)
{
    size_t len = strlen(name);
    const size_t ending = sizeof(CONFIG_ENDING) - 1;

    return len > ending && len < ENTRY_BYTES && strcmp(name + len - ending, CONFIG_ENDING) == 0;
}

/* False: there are too many. */
static bool
list_folder(DIR *dir, struct entries *out)
{
    const struct dirent *entry = NULL;

    while ((entry = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe): own stream */
        if (!is_wanted(entry->d_name)) {
            continue;
        }
        if (out->count == CONFIG_INCLUDES_MAX) {
            return false;
        }
        (void)snprintf(out->names[out->count++], ENTRY_BYTES, "%s", entry->d_name);
    }
    qsort(out->names, out->count, ENTRY_BYTES, compare_names);
    return true;
}

static void
load_entries(const struct config_reader *outer, const char *folder, const struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        struct config_reader inner = {.config = outer->config,
                                      .problems = outer->problems,
                                      .environment = outer->environment,
                                      .alloc = outer->alloc};
        char path[PATH_BYTES + ENTRY_BYTES];

        (void)snprintf(path, sizeof(path), "%.*s/%s", (int)PATH_BYTES - 1, folder,
                       entries->names[i]);
        load_file(&inner, path);
    }
}

static void
include_folder(struct config_reader *r, const char *folder)
{
    struct entries entries = {.names = mem_alloc(r->alloc, ENTRIES_BYTES)};
    DIR *dir = opendir(folder);
    char scratch[128];

    if (entries.names == NULL) {
        reader_wrong(r, "include_dir: out of memory");
    } else if (dir == NULL) {
        reader_wrong(r, "include_dir: the folder %s cannot be read: %s",
                     LOG_TEXT(span_of_text(folder)), describe(errno, scratch));
    } else if (!list_folder(dir, &entries)) {
        reader_wrong(r, "include_dir: more than %u files end in .conf", CONFIG_INCLUDES_MAX);
    } else {
        load_entries(r, folder, &entries);
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    mem_free(r->alloc, entries.names);
}

void
config_load(struct config *out, const char *path, const struct config_environment *environment,
            const struct wilco_alloc *alloc, struct problems *problems)
{
    struct config_reader r = {
        .config = out,
        .problems = problems,
        .environment = environment,
        .include = include_folder,
        .alloc = alloc,
    };

    load_file(&r, path);
}
