#ifndef WILCO_CLIENT_JOURNAL_H
#define WILCO_CLIENT_JOURNAL_H

#include "base/buffer.h"

/* A file of records that are never changed, only added to, or replaced all at once. One process has
 * it at a time. What was appended is on the disk when the call returns, if that is asked for. */
struct journal;

/* More is no journal of ours. */
#define JOURNAL_BYTES_MAX ((size_t)1 << 30)

/* Opens, or makes, and takes the lock of `path`. `*records` (initialised, empty) gets what is
 * in it without the header, as far as it is whole; what follows is cut off. WILCO_EIO: the file
 * cannot be used, or another process has it; WILCO_EINVAL: it is no journal; WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status journal_open(struct journal **out, const struct wilco_alloc *a,
                                                const char *path, struct buffer *records);
void journal_close(struct journal *j); /* NULL is allowed */

/* Appends; `to_disk`: and waits for the disk. WILCO_EIO: nothing was appended; once the disk has
 * failed to say what it has, nothing ever is again. */
WILCO_MUST_CHECK enum wilco_status journal_append(struct journal *j, struct span records,
                                                  bool to_disk);
/* Puts a file with these records in the place of this one, on the disk. WILCO_EIO, WILCO_ENOMEM:
 * all is as before. */
WILCO_MUST_CHECK enum wilco_status journal_replace(struct journal *j, struct span records);

#endif
