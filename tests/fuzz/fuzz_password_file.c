#include "fuzz.h"

#include "broker/auth/password_edit.h"
#include "broker/auth/password_file.h"

#include <assert.h>
#include <stdlib.h>

/* What is read can be written, and is the same again; its work has bounds. */
static void
check_hash(const struct password_hash *h)
{
    struct password_hash again;
    const char *why = NULL;
    char text[PASSWORD_TEXT_BYTES];
    enum wilco_status status = WILCO_OK;

    password_hash_text(h, text);
    status = password_hash_parse(&again, span_of_text(text), &why);
    assert(status == WILCO_OK);
    assert(password_cost_equal(&h->cost, &again.cost));
    assert(h->key_bytes > 0 && h->key_bytes == again.key_bytes);
    assert(h->salt_bytes > 0 && h->salt_bytes == again.salt_bytes);
    assert(h->cost.iterations <= PASSWORD_PBKDF2_ITERATIONS_MAX);
    assert(h->cost.memory_kib <= PASSWORD_ARGON2_KIB_MAX);
    (void)status;
}

/* An edited file is still one, and differs by one user. */
static void
check_edits(struct span text, const struct password_file *before)
{
    const struct span user = SPAN_LITERAL("fuzz user");
    struct password_file *after = NULL;
    struct buffer edited;
    char reason[PASSWORD_LINE_REASON_BYTES];
    bool was_known = false;
    bool is_known = false;
    enum wilco_status status = WILCO_OK;

    buffer_init(&edited, alloc_system(), SIZE_MAX);
    status = password_edit_set(&edited, text, user, password_file_find(before, user, &was_known));
    assert(status == WILCO_OK);
    status = password_file_parse(&after, buffer_span(&edited), 1, alloc_system(), random_system(),
                                 reason);
    assert(status == WILCO_OK);
    check_hash(password_file_find(after, user, &is_known));
    assert(is_known);
    assert(password_file_users(after) == password_file_users(before) + (was_known ? 0 : 1));
    password_file_free(after);
    buffer_fini(&edited);
    (void)status;
}

/* A password file. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct password_file *f = NULL;
    char reason[PASSWORD_LINE_REASON_BYTES] = "";
    struct span text = span_of(data, size);
    bool is_known = false;

    if (password_file_parse(&f, text, 1, alloc_system(), random_system(), reason) != WILCO_OK) {
        assert(strncmp(reason, "line ", 5) == 0);
        return 0;
    }
    check_hash(password_file_find(f, SPAN_LITERAL("nobody"), &is_known));
    check_edits(text, f);
    password_file_free(f);
    return 0;
}
