#include "load/stencil.h"

enum wilco_status
stencil_init(struct stencil *s, size_t len)
{
    *s = (struct stencil){.bytes = mem_zalloc(alloc_system(), len), .len = len};
    return s->bytes == NULL ? WILCO_ENOMEM : WILCO_OK;
}

void
stencil_fini(struct stencil *s)
{
    mem_free(alloc_system(), s->bytes);
    *s = (struct stencil){.bytes = NULL};
}
