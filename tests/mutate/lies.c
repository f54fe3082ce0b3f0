#include "campaign.h"
#include "liar.h"

#include <assert.h>
#include <malloc.h>
#include <stdio.h>

/* Sessions of libwilco with a server that lies: each call of the application ends with a status,
 * nothing hangs, and memory has its bounds. */
enum {
    STEPS = 120,
    HEAP_MIB_MAX = 20, /* the client takes packets of 16 MiB */
};

static struct customer customer;
static struct liar liar;
static struct dice dice;
static uint64_t sessions, deeds, answered, messages, heap_max;

/* Known to the address sanitizer's runtime, where that is. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t
heap_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes != NULL
               ? __sanitizer_get_current_allocated_bytes()
               : mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void
run(uint64_t seed)
{
    size_t before = heap_bytes();

    dice.state = seed;
    customer_open(&customer, &dice);
    liar_init(&liar, &dice, &customer);
    for (int i = 0; i < STEPS && customer.closed == 0; i++) {
        if (dice_percent(&dice, 50)) {
            customer_act(&customer);
        }
        liar_act(&liar);
        customer_run(&customer,
                     dice_percent(&dice, 80) ? dice_below(&dice, 5) : dice_below(&dice, 400));
        heap_max = heap_bytes() - before > heap_max ? heap_bytes() - before : heap_max;
        assert(heap_bytes() < before || heap_bytes() - before < HEAP_MIB_MAX * 1024UL * 1024);
    }
    customer_close(&customer);
    sessions++;
    deeds += customer.deed_count;
    answered += customer.answered;
    messages += customer.messages;
}

static uint64_t
done(void)
{
    return sessions;
}

static void
tell(void)
{
    (void)printf("%llu sessions on %llu connections, %llu packets of the server, of them %llu "
                 "spoiled and %llu without an end; %llu calls have ended, %llu requests were "
                 "answered, %llu messages came; %llu KiB at most",
                 (unsigned long long)sessions, (unsigned long long)liar.connections,
                 (unsigned long long)liar.packets, (unsigned long long)liar.spoiled,
                 (unsigned long long)liar.endless, (unsigned long long)deeds,
                 (unsigned long long)answered, (unsigned long long)messages,
                 (unsigned long long)heap_max / 1024);
}

int
main(void)
{
    static const struct campaign campaign = {
        .program = "lies",
        .count_name = "LIES_SESSIONS",
        .seed_name = "LIES_SEED",
        .count = 1000,
        .run = run,
        .done = done,
        .tell = tell,
    };

    return campaign_main(&campaign);
}
