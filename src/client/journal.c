#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* flock() */

#include "client/journal.h"

#include "client/journal_record.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_SUFFIX ".new"
#define MODE       0600 /* requests and answers are nobody else's */

struct journal {
    const struct wilco_alloc *alloc;
    int fd;
    off_t len;      /* what is whole */
    bool is_broken; /* there is no telling what the disk has */
    char path[];
};

static bool
write_all(int fd, struct span bytes, off_t at)
{
    while (bytes.len > 0) {
        ssize_t n = pwrite(fd, bytes.data, bytes.len, at);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        bytes = span_skip(bytes, (size_t)n);
        at += n;
    }
    return true;
}

static bool
read_all(int fd, struct buffer *into, size_t len)
{
    while (into->len < len) {
        ssize_t n = pread(fd, into->data + into->len, len - into->len, (off_t)into->len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        into->len += (size_t)n;
    }
    return true;
}

/* The lock is of the file, not of its name: whoever replaces it may have put another one there. */
static bool
is_still_there(int fd, const char *path)
{
    struct stat ours, named;

    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

/* -1: it cannot be used. */
static int
open_locked(const char *path)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, MODE);

        if (fd < 0) {
            return -1;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            (void)close(fd);
            return -1;
        }
        if (is_still_there(fd, path)) {
            return fd;
        }
        (void)close(fd);
    }
}

/* So that a new name is on the disk, too. */
static bool
sync_folder(const char *path)
{
    char folder[4096] = ".";
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    bool is_ok = false;
    int fd = -1;

    if (len >= sizeof(folder)) {
        return false;
    }
    if (len > 0) {
        memcpy(folder, path, len);
        folder[len] = '\0';
    }
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    is_ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_ok;
}

/* Writes the header of a file that has none: an empty one, or one that came no further. */
static enum wilco_status
begin(struct journal *j, struct span there)
{
    struct span header = JOURNAL_HEADER;

    if (there.len > header.len || !span_equal(there, span_first(header, there.len))) {
        return WILCO_EINVAL;
    }
    j->len = (off_t)header.len;
    return write_all(j->fd, header, 0) && ftruncate(j->fd, j->len) == 0 && fsync(j->fd) == 0 &&
                   sync_folder(j->path)
               ? WILCO_OK
               : WILCO_EIO;
}

/* Finds the end of what is whole, and cuts off the rest. */
static enum wilco_status
find_end(struct journal *j, struct buffer *records)
{
    struct span header = JOURNAL_HEADER;
    struct span rest = buffer_span(records);
    struct journal_record record;

    if (rest.len <= header.len && !span_equal(rest, header)) {
        buffer_consume(records, records->len);
        return begin(j, rest);
    }
    if (!span_equal(span_first(rest, header.len), header)) {
        return WILCO_EINVAL;
    }
    rest = span_skip(rest, header.len);
    while (journal_record_next(&rest, &record)) {
    }
    j->len = (off_t)(records->len - rest.len);
    records->len -= rest.len;
    buffer_consume(records, header.len);
    return rest.len == 0 || (ftruncate(j->fd, j->len) == 0 && fsync(j->fd) == 0) ? WILCO_OK
                                                                                 : WILCO_EIO;
}

static enum wilco_status
load(struct journal *j, struct buffer *records)
{
    struct stat file;
    enum wilco_status st;

    if (fstat(j->fd, &file) != 0 || !S_ISREG(file.st_mode)) {
        return WILCO_EIO;
    }
    if ((uint64_t)file.st_size > JOURNAL_BYTES_MAX) {
        return WILCO_EINVAL;
    }
    st = buffer_reserve(records, (size_t)file.st_size);
    if (st == WILCO_OK && !read_all(j->fd, records, (size_t)file.st_size)) {
        st = WILCO_EIO;
    }
    return st == WILCO_OK ? find_end(j, records) : st;
}

enum wilco_status
journal_open(struct journal **out, const struct wilco_alloc *a, const char *path,
             struct buffer *records)
{
    size_t size = strlen(path) + 1;
    struct journal *j = mem_alloc(a, sizeof(*j) + size);
    enum wilco_status st = WILCO_EIO;

    if (j == NULL) {
        return WILCO_ENOMEM;
    }
    *j = (struct journal){.alloc = a, .fd = open_locked(path)};
    memcpy(j->path, path, size);
    if (j->fd >= 0) {
        st = load(j, records);
    }
    if (st != WILCO_OK) {
        journal_close(j);
        return st;
    }
    *out = j;
    return WILCO_OK;
}

void
journal_close(struct journal *j)
{
    if (j != NULL) {
        if (j->fd >= 0) {
            (void)close(j->fd);
        }
        mem_free(j->alloc, j);
    }
}

enum wilco_status
journal_append(struct journal *j, struct span records, bool to_disk)
{
    if (j->is_broken) {
        return WILCO_EIO;
    }
    if (!write_all(j->fd, records, j->len)) {
        j->is_broken = ftruncate(j->fd, j->len) != 0; /* nothing may follow half a record */
        return WILCO_EIO;
    }
    if (to_disk && fdatasync(j->fd) != 0) { /* what it holds may be what it does not keep */
        j->is_broken = true;
        return WILCO_EIO;
    }
    j->len += (off_t)records.len;
    return WILCO_OK;
}

/* A new file, locked, with these records; -1: it could not be made. */
static int
make_new(const char *path, struct span records)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, MODE);

    if (fd < 0) {
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !write_all(fd, JOURNAL_HEADER, 0) ||
        !write_all(fd, records, (off_t)JOURNAL_HEADER.len) || fsync(fd) != 0) {
        (void)unlink(path);
        (void)close(fd);
        return -1;
    }
    return fd;
}

enum wilco_status
journal_replace(struct journal *j, struct span records)
{
    size_t size = strlen(j->path) + sizeof(NEW_SUFFIX);
    char *path = mem_alloc(j->alloc, size);
    int fd = -1;

    if (path == NULL || j->is_broken) {
        mem_free(j->alloc, path);
        return path == NULL ? WILCO_ENOMEM : WILCO_EIO;
    }
    (void)snprintf(path, size, "%s" NEW_SUFFIX, j->path);
    fd = make_new(path, records);
    if (fd >= 0 && rename(path, j->path) != 0) {
        (void)unlink(path);
        (void)close(fd);
        fd = -1;
    }
    mem_free(j->alloc, path);
    if (fd < 0) {
        return WILCO_EIO;
    }
    (void)close(j->fd);
    j->fd = fd;
    j->len = (off_t)(JOURNAL_HEADER.len + records.len);
    j->is_broken = !sync_folder(j->path); /* either name may be what is found after a crash */
    return j->is_broken ? WILCO_EIO : WILCO_OK;
}
