#define _XOPEN_SOURCE 700 /* realpath(), mkstemp() */

#include "broker/auth/password_edit.h"

#include "base/secret.h"
#include "wire/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
password_user_is_valid(struct span user)
{
    if (user.len == 0 || user.len > UINT16_MAX || user.data[0] == '#' || !utf8_is_valid(user)) {
        return false;
    }
    for (size_t i = 0; i < user.len; i++) {
        if (user.data[i] == ':' || user.data[i] < ' ' || user.data[i] == 0x7F) {
            return false;
        }
    }
    return true;
}

/* The next line with all that ends it. */
static struct span
take_line(struct span *text)
{
    const uint8_t *end = memchr(text->data, '\n', text->len);
    struct span line = end == NULL ? *text : span_first(*text, (size_t)(end - text->data) + 1);

    *text = span_skip(*text, line.len);
    return line;
}

static bool
is_of(struct span line, struct span user)
{
    return line.len > user.len && line.data[user.len] == ':' &&
           memcmp(line.data, user.data, user.len) == 0;
}

static enum wilco_status
add_text(struct buffer *out, const char *text)
{
    return buffer_append(out, span_of_text(text));
}

static enum wilco_status
add_user(struct buffer *out, struct span user, const char *written)
{
    enum wilco_status status = buffer_append(out, user);

    if (status == WILCO_OK) {
        status = add_text(out, ":");
    }
    if (status == WILCO_OK) {
        status = add_text(out, written);
    }
    return status == WILCO_OK ? add_text(out, "\n") : status;
}

/* The last line may lack its end. */
static enum wilco_status
end_line(struct buffer *out)
{
    return out->len == 0 || out->data[out->len - 1] == '\n' ? WILCO_OK : add_text(out, "\n");
}

/* `written` NULL: the line goes. */
static enum wilco_status
replace(struct buffer *out, struct span text, struct span user, const char *written,
        bool *was_there)
{
    enum wilco_status status = WILCO_OK;

    *was_there = false;
    while (text.len > 0 && status == WILCO_OK) {
        struct span line = take_line(&text);

        if (!is_of(line, user)) {
            status = buffer_append(out, line);
            continue;
        }
        if (written != NULL && !*was_there) {
            status = add_user(out, user, written);
        }
        *was_there = true;
    }
    return status;
}

enum wilco_status
password_edit_set_text(struct buffer *out, struct span text, struct span user, const char *written)
{
    bool was_there = false;
    enum wilco_status status = replace(out, text, user, written, &was_there);

    if (status == WILCO_OK && !was_there) {
        status = end_line(out);
        if (status == WILCO_OK) {
            status = add_user(out, user, written);
        }
    }
    return status;
}

enum wilco_status
password_edit_set(struct buffer *out, struct span text, struct span user,
                  const struct password_hash *hash)
{
    char written[PASSWORD_TEXT_BYTES];

    password_hash_text(hash, written);
    return password_edit_set_text(out, text, user, written);
}

enum wilco_status
password_edit_remove(struct buffer *out, struct span text, struct span user)
{
    bool was_there = false;
    enum wilco_status status = replace(out, text, user, NULL, &was_there);

    return status == WILCO_OK && !was_there ? WILCO_ENOTFOUND : status;
}

static struct span
without_end(struct span line)
{
    while (line.len > 0 && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r')) {
        line.len--;
    }
    return line;
}

static enum wilco_status
upgrade_line(struct buffer *out, struct span line, const struct password_cost *cost,
             const struct random_source *random, size_t *count)
{
    struct span bare = without_end(line);
    const uint8_t *colon = bare.len == 0 ? NULL : memchr(bare.data, ':', bare.len);
    struct span user;
    struct span password;
    struct password_hash hash;
    char written[PASSWORD_TEXT_BYTES];
    const char *why = NULL;
    enum wilco_status status = WILCO_OK;

    if (bare.len == 0 || bare.data[0] == '#') {
        return buffer_append(out, line);
    }
    if (colon == NULL) {
        return WILCO_EMALFORMED;
    }
    user = span_first(bare, (size_t)(colon - bare.data));
    password = span_skip(bare, user.len + 1);
    if (!password_user_is_valid(user) || password.len == 0) {
        return WILCO_EMALFORMED;
    }
    if (password_hash_parse(&hash, password, &why) == WILCO_OK) {
        return buffer_append(out, line);
    }
    status = password_hash_make(&hash, cost, password, random);
    if (status == WILCO_OK) {
        (*count)++;
        password_hash_text(&hash, written);
        status = add_user(out, user, written);
    }
    return status;
}

enum wilco_status
password_edit_upgrade(struct buffer *out, struct span text, const struct password_cost *cost,
                      const struct random_source *random, size_t *count, size_t *line)
{
    enum wilco_status status = WILCO_OK;

    *count = 0;
    *line = 0;
    while (text.len > 0 && status == WILCO_OK) {
        (*line)++;
        status = upgrade_line(out, take_line(&text), cost, random, count);
    }
    return status;
}

/* Files. */

static bool
write_all(int fd, struct span text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.data, text.len);

        if (n < 0 && errno != EINTR) {
            return false;
        }
        text = span_skip(text, n > 0 ? (size_t)n : 0);
    }
    return fsync(fd) == 0;
}

/* mkstemp() has made it for its owner only. Who cannot give it to its group keeps it so. */
static bool
keep_owner_and_mode(int fd, const struct stat *before)
{
    const mode_t kept = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP;

    if (fchown(fd, before->st_uid, before->st_gid) != 0) {
        return true;
    }
    return fchmod(fd, before->st_mode & kept) == 0;
}

/* The new name is on the disk when its folder is. */
static bool
sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    const char *folder = ".";
    int fd = -1;
    bool is_done = false;

    if (slash != NULL) {
        *slash = '\0';
        folder = slash == path ? "/" : path;
    }
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    is_done = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return is_done;
}

static bool
write_beside(const char *target, char *beside, const struct stat *before, struct span text)
{
    int fd = mkstemp(beside);
    bool is_done = false;

    if (fd < 0) {
        return false;
    }
    is_done = write_all(fd, text) && (before == NULL || keep_owner_and_mode(fd, before));
    is_done = close(fd) == 0 && is_done && rename(beside, target) == 0;
    if (!is_done) {
        int error = errno;

        (void)unlink(beside);
        errno = error;
    }
    return is_done && sync_folder(beside);
}

enum wilco_status
password_edit_write(const char *path, struct span text)
{
    char target[PATH_MAX]; /* what a link leads to is what is replaced */
    char beside[PATH_MAX + 8];
    struct stat before;
    bool was_there = realpath(path, target) != NULL && stat(target, &before) == 0;

    if (!was_there && (size_t)snprintf(target, sizeof(target), "%s", path) >= sizeof(target)) {
        errno = ENAMETOOLONG;
        return WILCO_EIO;
    }
    (void)snprintf(beside, sizeof(beside), "%s.XXXXXX", target);
    return write_beside(target, beside, was_there ? &before : NULL, text) ? WILCO_OK : WILCO_EIO;
}
