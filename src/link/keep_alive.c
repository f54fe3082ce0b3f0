#include "link/keep_alive.h"

#define MS_PER_SECOND     1000U
#define PING_EARLY_MS_MAX 5000U

uint64_t
keep_alive_server_deadline_ms(uint16_t seconds, uint64_t last_received_ms)
{
    if (seconds == 0) {
        return UINT64_MAX;
    }
    return last_received_ms + (uint64_t)seconds * MS_PER_SECOND * 3 / 2; /* [MQTT-3.1.2-22] */
}

uint64_t
keep_alive_ping_deadline_ms(uint16_t seconds, uint64_t last_sent_ms)
{
    uint64_t interval_ms = (uint64_t)seconds * MS_PER_SECOND;
    uint64_t early_ms = interval_ms / 4;

    if (seconds == 0) {
        return UINT64_MAX;
    }
    if (early_ms > PING_EARLY_MS_MAX) {
        early_ms = PING_EARLY_MS_MAX;
    }
    return last_sent_ms + interval_ms - early_ms;
}

uint64_t
keep_alive_pong_deadline_ms(uint16_t seconds, uint64_t ping_ms)
{
    if (seconds == 0) {
        return UINT64_MAX;
    }
    return ping_ms + (uint64_t)seconds * MS_PER_SECOND;
}
