#define _POSIX_C_SOURCE 200809L

#include "broker/auth/acl_file.h"

#include "base/buffer.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 65536U

static enum wilco_status
read_all(int fd, struct buffer *out)
{
    for (;;) {
        enum wilco_status status = buffer_reserve(out, READ_BYTES);
        ssize_t n = 0;

        if (status != WILCO_OK) {
            return status;
        }
        n = read(fd, out->data + out->len, READ_BYTES);
        if (n < 0 && errno != EINTR) {
            return WILCO_EIO;
        }
        if (n == 0) {
            return WILCO_OK;
        }
        out->len += n > 0 ? (size_t)n : 0;
    }
}

static enum wilco_status
read_file(const char *path, struct buffer *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum wilco_status status = fd < 0 ? WILCO_EIO : read_all(fd, out);
    int error = errno;

    if (fd >= 0) {
        (void)close(fd);
    }
    errno = error;
    return status;
}

static void
describe(enum wilco_status status, char problem[ACL_PROBLEM_BYTES])
{
    int error = errno;
    char why[128];

    if (status == WILCO_ELIMIT) {
        (void)snprintf(problem, ACL_PROBLEM_BYTES, "larger than %u bytes", ACL_TEXT_BYTES_MAX);
    } else if (status == WILCO_EIO && strerror_r(error, why, sizeof(why)) == 0) {
        (void)snprintf(problem, ACL_PROBLEM_BYTES, "cannot be read: %s", why);
    } else {
        (void)snprintf(problem, ACL_PROBLEM_BYTES, "cannot be read: %s", status_text(status));
    }
}

enum wilco_status
acl_file_read(struct acl **out, const struct wilco_alloc *a, const char *path,
              char problem[ACL_PROBLEM_BYTES])
{
    struct buffer text;
    uint64_t hash_seed = 0;
    enum wilco_status status = random_u64(random_system(), &hash_seed);

    buffer_init(&text, a, (size_t)ACL_TEXT_BYTES_MAX + READ_BYTES);
    if (status == WILCO_OK) {
        status = read_file(path, &text);
    }
    if (status == WILCO_OK) {
        status = acl_new(out, a, hash_seed, buffer_span(&text), problem);
    } else {
        describe(status, problem);
        status = status == WILCO_ELIMIT ? WILCO_EINVAL : status;
    }
    buffer_fini(&text);
    return status;
}
