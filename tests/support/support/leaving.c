#include "support/leaving.h"

bool
leave_index(struct topic_index *t, struct span filter, struct span group, uint64_t session_id)
{
    uintptr_t place = topic_index_find(t, filter, group, session_id);

    if (place != 0) {
        topic_index_leave(t, place, session_id);
    }
    return place != 0;
}
