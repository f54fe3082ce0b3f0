#define _POSIX_C_SOURCE 200809L

#include "cli/screen.h"

#include "cli/wake.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l\033[?7l" /* another screen, no cursor, no wrapping */
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

static struct termios screen_before;
static bool screen_has_keys;

bool
screen_is_there(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

void
screen_enter(void)
{
    struct termios t;

    if (isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &screen_before) == 0) {
        t = screen_before;
        t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        t.c_cc[VMIN] = 0;
        t.c_cc[VTIME] = 0;
        screen_has_keys = tcsetattr(STDIN_FILENO, TCSANOW, &t) == 0;
    }
    (void)fputs(ENTER, stdout);
    (void)fflush(stdout);
}

void
screen_leave(void)
{
    (void)fputs(LEAVE, stdout);
    (void)fflush(stdout);
    if (screen_has_keys) {
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &screen_before);
        screen_has_keys = false;
    }
}

#define LINES_STANDARD 24U

size_t
screen_lines(void)
{
    struct winsize size = {0};

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row
                                                                           : LINES_STANDARD;
}

void
screen_draw(const char *text)
{
    (void)fputs("\033[H", stdout);
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        (void)printf("%.*s\033[K", (int)len, text);
        text += len;
        if (*text == '\n') {
            text++;
            (void)fputs(*text == '\0' ? "" : "\r\n", stdout); /* the last line must not scroll */
        }
    }
    (void)fputs("\033[J", stdout);
    (void)fflush(stdout);
}

char
screen_wait(int timeout_ms)
{
    struct pollfd polled[2] = {
        {.fd = wake_descriptor(), .events = POLLIN},
        {.fd = screen_has_keys ? STDIN_FILENO : -1, .events = POLLIN},
    };
    char key = 0;

    if (poll(polled, 2, timeout_ms) < 0) {
        return 0; /* a signal: its handler wakes the next time */
    }
    if (polled[0].revents != 0) {
        wake_clear();
    }
    if (polled[1].revents != 0 && read(STDIN_FILENO, &key, 1) <= 0) {
        screen_has_keys = false; /* the terminal is gone */
    }
    return key;
}
