#include "net/tls_private.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>

static int
bio_write(BIO *bio, const char *bytes, size_t len, size_t *written)
{
    struct tls_below *below = BIO_get_data(bio);
    struct span span = span_of(bytes, len);

    BIO_clear_retry_flags(bio);
    *written = 0;
    below->status = stream_write(below->stream, &span, 1, written);
    if (below->status == WILCO_AGAIN) {
        BIO_set_retry_write(bio);
    } else if (below->status != WILCO_OK) {
        below->error = errno;
    }
    return below->status == WILCO_OK && *written > 0;
}

static int
bio_read(BIO *bio, char *out, size_t capacity, size_t *len)
{
    struct tls_below *below = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *len = 0;
    if (capacity == 0) {
        return 0;
    }
    below->status = stream_read(below->stream, out, capacity, len);
    if (below->status == WILCO_AGAIN) {
        BIO_set_retry_read(bio);
    } else if (below->status != WILCO_OK) {
        below->error = errno;
    }
    return below->status == WILCO_OK;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_below *below = BIO_get_data(bio);

    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH: return 1; /* nothing is kept */
    case BIO_CTRL_EOF: return below->status == WILCO_ECLOSED;
    default: return 0;
    }
}

static int
bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *
tls_bio_method_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wilco stream");

    if (m != NULL &&
        (BIO_meth_set_write_ex(m, bio_write) != 1 || BIO_meth_set_read_ex(m, bio_read) != 1 ||
         BIO_meth_set_ctrl(m, bio_ctrl) != 1 || BIO_meth_set_create(m, bio_create) != 1)) {
        BIO_meth_free(m);
        return NULL;
    }
    return m;
}
