/* For tests that are scripts: make_certificates prints the name of a new folder with the standard
 * certificates of certificates.h, which is the caller's to remove. */
#include "support/certificates.h"

#include <stdio.h>

int
main(void)
{
    struct certificates c;

    certificates_init(&c);
    certificates_make_standard(&c);
    return puts(c.folder) < 0;
}
