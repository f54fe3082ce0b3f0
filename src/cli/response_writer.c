#define _POSIX_C_SOURCE 200809L

#include "cli/response_writer.h"

#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <stdio.h>
#include <unistd.h>

#define LINE_CLEAR "\r\033[K"

static void
clear_progress(struct response_writer *w)
{
    if (w->has_progress) {
        (void)fputs(LINE_CLEAR, stderr);
        w->has_progress = false;
    }
}

static void
show_progress(struct response_writer *w, const struct wilco_message *part, double done)
{
    if (isatty(STDERR_FILENO) == 1 && !say_is_quiet()) {
        (void)fprintf(stderr, LINE_CLEAR "%3.0f %%  ", done * 100);
        output_first_line(stderr, wilco_message_payload(part));
        w->has_progress = true;
    }
}

static void
write_message(struct response_writer *w, const struct view *view)
{
    if (w->show) {
        output_show(stderr, view->is_part ? "part" : "response", view);
    }
    if (!output_message(&w->output, view)) {
        atomic_store(&w->is_broken, true);
        wake_up();
    }
}

static void
say_status(const struct response_writer *w, const struct wilco_message *response, int status)
{
    struct wilco_bytes text = wilco_message_user_property(response, "__stMsg");

    if (!w->fails_quietly) {
        say("the responder answered with status %d%s%.*s", status, text.len > 0 ? ": " : "",
            WILCO_PRINTF_BYTES(text));
    }
}

static bool
is_error(const struct view *view)
{
    return view->status >= 400;
}

void
response_writer_part(struct response_writer *w, const struct wilco_message *part)
{
    struct view view = view_of_response(part);

    clear_progress(w);
    if (view.has_progress) {
        show_progress(w, part, view.progress);
    }
    if (!view.has_progress || w->output.json) {
        write_message(w, &view);
    }
    if (is_error(&view)) {
        say_status(w, part, view.status);
        w->has_error = true;
    }
    view_fini(&view);
}

static int
end_with_response(struct response_writer *w, enum wilco_status status,
                  const struct wilco_message *response)
{
    struct view view = view_of_response(response);
    bool has_error = w->has_error || is_error(&view);

    if (status == WILCO_OK || w->output.json || view.payload.len > 0) {
        write_message(w, &view);
    } else if (w->show) {
        output_show(stderr, "response", &view);
    }
    if (is_error(&view)) {
        say_status(w, response, view.status);
    }
    view_fini(&view);
    w->has_error = false;
    if (atomic_load(&w->is_broken)) {
        return EXIT_CODE_USAGE;
    }
    return exit_code_of(has_error && status == WILCO_OK ? WILCO_EREMOTE : status, 0);
}

static void
say_failure(const char *topic, enum wilco_status status, const struct wilco_error *why)
{
    bool is_servers = why->stage > WILCO_STAGE_UNSENT;

    if (why->text[0] != '\0' && (is_servers || status != WILCO_ELIMIT)) {
        say("%s", why->text);
    } else {
        (void)connection_failed("request", topic, status, why->reason_code);
    }
}

int
response_writer_end(struct response_writer *w, const char *topic, enum wilco_status status,
                    const struct wilco_message *response, const struct wilco_error *why)
{
    clear_progress(w);
    if (response != NULL) {
        return end_with_response(w, status, response);
    }
    if (status == WILCO_OK) { /* it ended without a last one, which was agreed on */
        return w->has_error ? EXIT_CODE_REMOTE : EXIT_CODE_OK;
    }
    if (!w->fails_quietly) {
        say_failure(topic, status, why);
    }
    if (w->output.json && !output_failure(topic, why)) {
        atomic_store(&w->is_broken, true);
    }
    return exit_code_of(status, why->reason_code);
}
