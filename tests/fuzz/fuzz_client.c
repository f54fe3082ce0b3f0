#include "fuzz.h"

#include "liar.h"

/* libwilco, as an application has it, and a server. The first byte is the seed of who the
 * application is; then each step is a byte that says who does what, and what that reads from the
 * script. */
enum action {
    ACT,   /* the application, as the next byte has it */
    SPEAK, /* the server, likewise: something that is right */
    LIE,   /* the same, but some of it is spoiled */
    BYTES, /* the server says so many bytes as the next one says */
    WAIT,  /* the next byte squared, in milliseconds */
    CUT,   /* only so many bytes arrive as the next one says */
    HANG_UP,
    ACTIONS,
};

static struct customer customer;
static struct liar liar;
static struct dice dice;

static unsigned
next(struct span *script)
{
    unsigned byte = 0;

    if (script->len > 0) {
        byte = script->data[0];
        *script = span_skip(*script, 1);
    }
    return byte;
}

static void
say_bytes(struct span *script)
{
    size_t len = next(script);

    len = len < script->len ? len : script->len;
    liar_say(&liar, span_first(*script, len));
    *script = span_skip(*script, len);
}

static void
step(struct span *script)
{
    enum action action = (enum action)(next(script) % ACTIONS);
    size_t fed = SIZE_MAX;
    uint64_t ms = 0;

    dice.state = action == ACT || action == SPEAK || action == LIE ? next(script) : 0;
    liar_listen(&liar);
    liar.lie_percent = action == LIE ? 60 : 0;
    switch (action) {
    case ACT: customer_act(&customer); break;
    case SPEAK:
    case LIE:
        if (liar.is_connected) {
            liar_speak(&liar);
        }
        break;
    case BYTES: say_bytes(script); break;
    case WAIT:
        ms = next(script);
        ms *= ms;
        break;
    case CUT: fed = next(script); break;
    default: liar_hang_up(&liar); break;
    }
    if (liar.is_connected) {
        liar_feed(&liar, fed);
    }
    customer_run(&customer, ms);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span script = span_of(data, size);

    dice.state = next(&script);
    customer_open(&customer, &dice);
    liar_init(&liar, &dice, &customer);
    while (script.len > 0 && customer.closed == 0) {
        step(&script);
    }
    customer_close(&customer);
    return 0;
}
