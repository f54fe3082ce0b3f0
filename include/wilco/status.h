#ifndef WILCO_STATUS_H
#define WILCO_STATUS_H

/* How a call ended. Every function of Wilco that can fail returns one of these, and results leave
 * through pointers. Zero is success, everything else is negative and keeps its number. */
enum wilco_status {
    WILCO_OK = 0,
    WILCO_AGAIN = -1,         /* nothing is wrong: more input, or more room, is needed */
    WILCO_ENOMEM = -2,        /* the allocator said no */
    WILCO_EMALFORMED = -3,    /* the peer's bytes cannot be parsed (Malformed Packet) */
    WILCO_EPROTOCOL = -4,     /* the peer's bytes parse, but break a rule (Protocol Error) */
    WILCO_ELIMIT = -5,        /* a configured bound was reached */
    WILCO_EINVAL = -6,        /* the caller's argument is wrong */
    WILCO_EIO = -7,           /* the operating system reported an error */
    WILCO_ECLOSED = -8,       /* the connection, or the object, is closed */
    WILCO_ECONNECT = -9,      /* the connection could not be made, or the server refused it */
    WILCO_ETIMEDOUT = -10,    /* the deadline passed first */
    WILCO_ENORESPONDER = -11, /* nobody is there to answer the request */
    WILCO_EREMOTE = -12,      /* the responder answered with an error status */
    WILCO_EREFUSED = -13,     /* the server refused the packet with a reason code >= 0x80 */
    WILCO_ECANCELLED = -14,   /* the caller took it back */
    WILCO_ENOTFOUND = -15,    /* there is no such thing */
    WILCO_ELOST = -16,        /* no answer will come, but the request may have been executed */
};

#endif
