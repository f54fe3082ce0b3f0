#include "wire/property.h"
#include "wire/reason.h"

#include <stdio.h>

/* Prints a dictionary for libFuzzer: the identifiers of all properties and reason codes, and the
 * few words that decoders compare with. */
int
main(void)
{
#define PROPERTY(id, NAME, field, type, where, rule) (void)printf(#NAME "=\"\\x%02X\"\n", id);
    WIRE_PROPERTIES(PROPERTY)
#define REASON(code, NAME, words, packets) (void)printf("REASON_" #NAME "=\"\\x%02X\"\n", code);
    WIRE_REASONS(REASON)
    (void)printf("NAME_5=\"\\x00\\x04MQTT\\x05\"\n");
    (void)printf("NAME_311=\"\\x00\\x04MQTT\\x04\"\n");
    (void)printf("NAME_31=\"\\x00\\x06MQIsdp\\x03\"\n");
    (void)printf("SHARE=\"$share/\"\nMULTI=\"/#\"\nSINGLE=\"/+\"\n");
    (void)printf("RR_OP=\"rr-op\"\nCANCEL=\"cancel\"\nCREDIT=\"credit\"\nDATA=\"data\"\n");
    (void)printf("RR_FAN=\"rr-fan\"\nRR_ON_LOSS=\"rr-on-loss\"\nRR_TRACE=\"rr-trace\"\n");
    (void)printf("RR_MORE=\"rr-more\"\nRR_OBSERVE=\"rr-observe\"\n");
    return 0;
}
