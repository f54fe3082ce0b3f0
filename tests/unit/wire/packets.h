#ifndef WILCO_TESTS_WIRE_PACKETS_H
#define WILCO_TESTS_WIRE_PACKETS_H

#include "wire/packet.h"

/* Valid packets of every type. `body` is what follows the fixed header, as bytes_from() reads it; a
 * "|" stands where a body that ends there is valid as well. */
static const struct packet_row {
    const char *name;
    enum wire_version version;
    uint8_t first; /* type and flags */
    const char *body;
} packet_rows[] = {
    {"connect", WIRE_V5, 0x10, "0004 'MQTT' 05 02 003C 00 0003 'abc'"},
    {"connect, no client id", WIRE_V5, 0x10, "0004 'MQTT' 05 00 0000 00 0000"},
    {"connect, everything", WIRE_V5, 0x10,
     "0004 'MQTT' 05 EE 003C [11 FFFFFFFF 21 0014 27 00010000 22 000A 19 01 17 00"
     "26 0001 'k' 0001 'v' 26 0000 0000 15 0005 'SCRAM' 16 0004 00FF0001] 0001 'c'"
     "[18 00000005 01 01 02 0000003C 03 000A 'text/plain' 08 0003 'r/1' 09 0002 0001"
     "26 0002 'rr' 0001 '1'] 0006 'status' 0003 'off' 0004 'user' 0003 00FF80"},
    {"connect, password alone", WIRE_V5, 0x10, "0004 'MQTT' 05 40 0000 00 0001 'a' 0002 'pw'"},
    {"connect, will of qos 2", WIRE_V5, 0x10,
     "0004 'MQTT' 05 14 0000 00 0001 'a' 00 0001 't' 0000"},
    {"connect 3.1.1", WIRE_V311, 0x10, "0004 'MQTT' 04 02 003C 0003 'abc'"},
    {"connect 3.1.1, everything", WIRE_V311, 0x10,
     "0004 'MQTT' 04 CE FFFF 0001 'c' 0001 't' 0002 0000 0001 'u' 0002 'pw'"},
    {"connect 3.1", WIRE_V31, 0x10, "0006 'MQIsdp' 03 C2 000A 0001 'c' 0001 'u' 0001 'p'"},

    {"connack", WIRE_V5, 0x20, "00 00 00"},
    {"connack, session present", WIRE_V5, 0x20, "01 00 00"},
    {"connack, refused", WIRE_V5, 0x20, "00 87 [1F 0003 'no!']"},
    {"connack, every property", WIRE_V5, 0x20,
     "00 00 [11 00000E10 21 0001 24 01 25 00 27 00000001 12 0004 'auto' 22 FFFF 1F 0002 'ok'"
     "26 0001 'a' 0001 'b' 28 01 29 00 2A 01 13 000A 1A 000B '$r/abcdefgh' 1C 0004 'host'"
     "15 0001 'X' 16 0001 00]"},
    {"connack 3.1.1", WIRE_V311, 0x20, "01 00"},
    {"connack 3.1.1, refused", WIRE_V311, 0x20, "00 05"},

    {"publish, qos 0", WIRE_V5, 0x30, "0003 'a/b' 00 | 'h' | 'i'"},
    {"publish, qos 1, retained", WIRE_V5, 0x33, "0001 't' 0001 00 | 00"},
    {"publish, qos 2, again", WIRE_V5, 0x3C, "0001 't' FFFF 00 |"},
    {"publish, every property", WIRE_V5, 0x32,
     "0003 'req' 000A [01 01 02 0000000A 23 0005 08 0003 'r/1' 09 0003 00FF80 26 0001 'k' 0000"
     "26 0001 'k' 0001 'v' 0B 01 0B FFFFFF7F 03 0001 'j'] | '{' | '}'"},
    {"publish, alias alone", WIRE_V5, 0x30, "0000 [23 0001] | 'x'"},
    {"publish, empty correlation", WIRE_V5, 0x30, "0001 't' [08 0001 'r' 09 0000] |"},
    {"publish 3.1.1", WIRE_V311, 0x30, "0001 't' | 00 | FF"},
    {"publish 3.1.1, qos 1", WIRE_V311, 0x32, "0001 't' 0007 |"},
    {"publish 3.1", WIRE_V31, 0x3D, "0001 't' 0007 | 'x'"},

    {"puback", WIRE_V5, 0x40, "0001"},
    {"puback, reason", WIRE_V5, 0x40, "0001 | 10"},
    {"puback, empty properties", WIRE_V5, 0x40, "0001 | 00 | 00"},
    {"puback, every property", WIRE_V5, 0x40,
     "FFFF | 87 | [1F 0004 'nope' 26 0001 'a' 0003 'bcd']"},
    {"puback 3.1.1", WIRE_V311, 0x40, "0102"},
    {"pubrec", WIRE_V5, 0x50, "0001"},
    {"pubrec, every property", WIRE_V5, 0x50, "0001 | 97 | [1F 0001 'q' 26 0001 'a' 0001 'b']"},
    {"pubrec 3.1.1", WIRE_V311, 0x50, "0001"},
    {"pubrel", WIRE_V5, 0x62, "0001"},
    {"pubrel, every property", WIRE_V5, 0x62, "0001 | 92 | [1F 0001 '?' 26 0000 0000]"},
    {"pubrel 3.1.1", WIRE_V311, 0x62, "0001"},
    {"pubcomp", WIRE_V5, 0x70, "0001"},
    {"pubcomp, every property", WIRE_V5, 0x70, "0001 | 92 | [26 0000 0000 1F 0001 '?']"},
    {"pubcomp 3.1.1", WIRE_V311, 0x70, "0001"},

    {"subscribe", WIRE_V5, 0x82, "0001 00 0003 'a/b' 01"},
    {"subscribe, two", WIRE_V5, 0x82, "0001 00 0001 '#' 2E | 0009 '$share/g/' 18"},
    {"subscribe, every property", WIRE_V5, 0x82,
     "0001 [0B 8001 26 0001 'a' 0001 'b'] 0003 'a/+' 02"},
    {"subscribe 3.1.1", WIRE_V311, 0x82, "0001 0001 'a' 00 | 0001 'b' 02"},

    {"suback", WIRE_V5, 0x90, "0001 00 00 | 01 | 02 | 80 | 87 | 8F | A2"},
    {"suback, every property", WIRE_V5, 0x90, "0001 [1F 0001 'r' 26 0001 'a' 0001 'b'] 00"},
    {"suback 3.1.1", WIRE_V311, 0x90, "0001 00 | 01 | 02 | 80"},

    {"unsubscribe", WIRE_V5, 0xA2, "0001 00 0001 'a' | 0003 'b/#'"},
    {"unsubscribe, every property", WIRE_V5, 0xA2, "0001 [26 0001 'a' 0001 'b'] 0001 'a'"},
    {"unsubscribe 3.1.1", WIRE_V311, 0xA2, "0001 0001 'a' | 0001 'b'"},

    {"unsuback", WIRE_V5, 0xB0, "0001 00 00 | 11 | 91"},
    {"unsuback, every property", WIRE_V5, 0xB0, "0001 [1F 0001 'r' 26 0001 'a' 0001 'b'] 00"},
    {"unsuback 3.1.1", WIRE_V311, 0xB0, "0001"},

    {"pingreq", WIRE_V5, 0xC0, ""},
    {"pingreq 3.1.1", WIRE_V311, 0xC0, ""},
    {"pingresp", WIRE_V5, 0xD0, ""},
    {"pingresp 3.1.1", WIRE_V311, 0xD0, ""},

    {"disconnect", WIRE_V5, 0xE0, ""},
    {"disconnect, reason", WIRE_V5, 0xE0, "| 04"},
    {"disconnect, every property", WIRE_V5, 0xE0,
     "| 9C | [11 00000000 1F 0002 'up' 26 0001 'a' 0001 'b' 1C 0001 'h']"},
    {"disconnect 3.1.1", WIRE_V311, 0xE0, ""},

    {"auth", WIRE_V5, 0xF0, ""},
    {"auth, every property", WIRE_V5, 0xF0,
     "| 18 [15 0001 'M' 16 0002 00FF 1F 0001 'r' 26 0001 'a' 0001 'b']"},
};

#endif
