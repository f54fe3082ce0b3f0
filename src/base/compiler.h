#ifndef WILCO_BASE_COMPILER_H
#define WILCO_BASE_COMPILER_H

#include <stddef.h>

/* What C17 has no word for, said once for gcc and clang. */

#define WILCO_MUST_CHECK          __attribute__((warn_unused_result))
#define WILCO_FALLTHROUGH         __attribute__((fallthrough))
#define WILCO_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define WILCO_LIKELY(x)           __builtin_expect(!!(x), 1)
#define WILCO_UNLIKELY(x)         __builtin_expect(!!(x), 0)
/* The number of the lowest bit that is set in `x`, a uint64_t that is not zero. */
#define WILCO_LOWEST_BIT(x) ((unsigned)__builtin_ctzll(x))

/* Between members of which threads on different cores write one and use the other all the time: a
 * gap of so many bytes keeps them on different lines of the cache. */
#define WILCO_CACHE_LINE_BYTES 64

/* Release builds clear every variable that is made (-ftrivial-auto-var-init), which is to cost
 * nothing where it counts: large ones, used for each message, that whoever fills them in fills in
 * wholly. */
#if defined(__has_attribute)
#    if __has_attribute(uninitialized)
#        define WILCO_NOT_CLEARED __attribute__((uninitialized))
#    endif
#endif
#ifndef WILCO_NOT_CLEARED
#    define WILCO_NOT_CLEARED
#endif

/* The object that embeds `member` at `pointer`. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* The thread sanitizer does not see what uninstrumented libraries synchronise; these tell it. */
#if defined(__SANITIZE_THREAD__)
#    define WILCO_TSAN 1
#elif defined(__has_feature)
#    if __has_feature(thread_sanitizer)
#        define WILCO_TSAN 1
#    endif
#endif
#ifdef WILCO_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#    define WILCO_TSAN_ACQUIRE(address) __tsan_acquire(address)
#    define WILCO_TSAN_RELEASE(address) __tsan_release(address)
#else
#    define WILCO_TSAN_ACQUIRE(address) ((void)(address))
#    define WILCO_TSAN_RELEASE(address) ((void)(address))
#endif

#endif
