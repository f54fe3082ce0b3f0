#include "cli/payload.h"

#include "cli/memory.h"

#include <errno.h>
#include <stdlib.h>

bool
payload_read(FILE *in, char **out, size_t *out_len, int *error)
{
    char *bytes = NULL;
    size_t len = 0, capacity = 0;

    *error = 0;
    do {
        if (len == capacity) {
            capacity = capacity == 0 ? 4096 : capacity * 2;
            bytes = memory_grow(bytes, capacity, 1);
        }
        errno = 0;
        len += fread(bytes + len, 1, capacity - len, in);
    } while (!feof(in) && !ferror(in) && len <= PAYLOAD_BYTES_MAX);
    if (ferror(in)) {
        *error = errno != 0 ? errno : EIO;
    } else if (len > PAYLOAD_BYTES_MAX) {
        *error = EFBIG;
    }
    if (*error != 0) {
        free(bytes);
        return false;
    }
    *out = bytes;
    *out_len = len;
    return true;
}

bool
payload_read_file(const char *path, char **out, size_t *len, int *error)
{
    FILE *in = fopen(path, "rb");
    bool done;

    if (in == NULL) {
        *error = errno;
        return false;
    }
    done = payload_read(in, out, len, error);
    (void)fclose(in);
    return done;
}
