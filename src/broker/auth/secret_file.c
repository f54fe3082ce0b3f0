#define _POSIX_C_SOURCE 200809L

#include "broker/auth/secret_file.h"

#include "base/secret.h"
#include "link/scram_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 4096U

static enum wilco_status
refuse(char why[SECRET_FILE_WHY_BYTES], const char *path, enum wilco_status status,
       const char *what)
{
    (void)snprintf(why, SECRET_FILE_WHY_BYTES, "%.*s: %.110s", (int)SECRET_FILE_PATH_MAX, path,
                   what);
    return status;
}

static enum wilco_status
refuse_errno(char why[SECRET_FILE_WHY_BYTES], const char *path)
{
    char text[96] = "it cannot be read";

    (void)strerror_r(errno, text, sizeof(text));
    return refuse(why, path, WILCO_EIO, text);
}

/* NULL, or what is wrong with such a file. */
static const char *
objection(const struct stat *about, bool is_secret)
{
    if (!S_ISREG(about->st_mode)) {
        return "it is not a file";
    }
    if (is_secret && (about->st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0) {
        return "its secrets are open to others: chmod o=,g-w it";
    }
    return NULL;
}

static enum wilco_status
read_all(struct buffer *out, int fd, const char *path, char why[SECRET_FILE_WHY_BYTES])
{
    for (;;) {
        ssize_t got = 0;
        enum wilco_status status = buffer_reserve(out, PIECE_BYTES);

        if (status != WILCO_OK) {
            return refuse(why, path, status,
                          status == WILCO_ELIMIT ? "it is too large" : "there is no memory for it");
        }
        got = read(fd, out->data + out->len, PIECE_BYTES);
        if (got == 0) {
            return WILCO_OK;
        }
        if (got < 0 && errno != EINTR) {
            return refuse_errno(why, path);
        }
        out->len += got > 0 ? (size_t)got : 0;
    }
}

enum wilco_status
secret_file_read(struct buffer *out, const struct wilco_alloc *alloc, const char *path,
                 bool is_secret, size_t bytes_max, char why[SECRET_FILE_WHY_BYTES])
{
    struct stat about;
    const char *what = NULL;
    enum wilco_status status = WILCO_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe shall not hold us up */

    buffer_init(out, alloc, bytes_max + PIECE_BYTES);
    why[0] = '\0';
    if (fd < 0) {
        return refuse_errno(why, path);
    }
    if (fstat(fd, &about) != 0) {
        status = refuse_errno(why, path);
    } else {
        what = objection(&about, is_secret);
        status = what != NULL ? refuse(why, path, WILCO_EIO, what) : read_all(out, fd, path, why);
    }
    (void)close(fd);
    if (status == WILCO_OK && out->len > bytes_max) {
        status = refuse(why, path, WILCO_ELIMIT, "it is too large");
    }
    if (status != WILCO_OK) {
        secret_file_wipe(out);
    }
    return status;
}

const char *
secret_file_what(const char why[SECRET_FILE_WHY_BYTES], const char *path)
{
    size_t len = strlen(path);

    return why + (len < SECRET_FILE_PATH_MAX ? len : SECRET_FILE_PATH_MAX) + 2;
}

void
secret_file_wipe(struct buffer *text)
{
    if (text->data != NULL) {
        secret_wipe(text->data, text->len);
    }
    buffer_fini(text);
}
