#include "cli/options.h"

#include "cli/duration.h"
#include "cli/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *
option_take(struct option_input *in)
{
    in->word = in->attached;
    in->attached = NULL;
    if (in->word == NULL && in->next < in->end) {
        in->word = *in->next++;
    }
    return in->word;
}

const char *
option_flag(void *field, struct option_input *in)
{
    (void)in;
    *(bool *)field = true;
    return NULL;
}

const char *
option_text(void *field, struct option_input *in)
{
    const char *word = option_take(in);

    *(const char **)field = word;
    return word != NULL ? NULL : "an argument";
}

const char *
option_texts(void *field, struct option_input *in)
{
    const char *word = option_take(in);

    if (word == NULL) {
        return "an argument";
    }
    option_list_add(field, word);
    return NULL;
}

void
option_list_add(struct option_list *list, const char *word)
{
    list->words = memory_grow(list->words, list->count + 1, sizeof(*list->words));
    list->words[list->count++] = word;
}

void
option_list_fini(struct option_list *list)
{
    free(list->words);
    *list = (struct option_list){0};
}

static bool
take_number(struct option_number *out, struct option_input *in, unsigned min, unsigned max)
{
    const char *word = option_take(in);
    unsigned long long value;

    if (word == NULL || *word == '\0' || strlen(word) > 10 ||
        strspn(word, "0123456789") != strlen(word)) {
        return false;
    }
    value = strtoull(word, NULL, 10);
    *out = (struct option_number){.value = (unsigned)value, .is_set = true};
    return value >= min && value <= max;
}

const char *
option_qos(void *field, struct option_input *in)
{
    return take_number(field, in, 0, 2) ? NULL : "a quality of service: 0, 1 or 2";
}

const char *
option_u16(void *field, struct option_input *in)
{
    return take_number(field, in, 0, UINT16_MAX) ? NULL : "a number from 0 to 65535";
}

const char *
option_u32(void *field, struct option_input *in)
{
    return take_number(field, in, 0, UINT32_MAX) ? NULL : "a number from 0 to 4294967295";
}

const char *
option_count(void *field, struct option_input *in)
{
    return take_number(field, in, 1, UINT32_MAX) ? NULL : "a number from 1 to 4294967295";
}

/* How many bytes the letter behind a number stands for; 0: it is none. */
static uint64_t
unit_of(char letter)
{
    switch (letter) {
    case '\0': return 1;
    case 'k':
    case 'K': return 1U << 10;
    case 'M': return 1U << 20;
    case 'G': return 1U << 30;
    default: return 0;
    }
}

const char *
option_bytes(void *field, struct option_input *in)
{
    const char *word = option_take(in);
    size_t digits = word == NULL ? 0 : strspn(word, "0123456789");
    uint64_t unit = digits == 0 || digits > 10 ? 0 : unit_of(word[digits]);
    uint64_t value = unit == 0 ? 0 : strtoull(word, NULL, 10) * unit;

    if (unit == 0 || (unit > 1 && word[digits + 1] != '\0') || value > UINT32_MAX) {
        return "a number of bytes below 4G, such as 65536, 64K or 16M";
    }
    *(struct option_number *)field = (struct option_number){(unsigned)value, true};
    return NULL;
}

const char *
option_duration_ms(void *field, struct option_input *in)
{
    const char *word = option_take(in);
    uint32_t value = 0;

    if (word == NULL || !duration_parse(word, &value) || value == 0) {
        return "a duration such as 500ms, 5s or 2m";
    }
    *(struct option_number *)field = (struct option_number){.value = value, .is_set = true};
    return NULL;
}
