/* siege [SCALE [PROGRAM]]: starts PROGRAM (build/wilco) as a broker; siege SCALE PORT COMMAND...:
 * starts COMMAND, another broker that listens there. Then attacks it in every way there is, and
 * prints for each how much its memory has grown and how long a request took meanwhile.
 * SIEGE_ONLY=name: just that one; SIEGE_PROBE_MS=50: a request that takes longer is an error. */
#define _GNU_SOURCE

#include "siege.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1024.0 * 1024.0)

/* What the broker reads. */
struct files {
    char folder[32];
    char config[64];
};

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

/* The line in which the broker says where it listens. */
static void
read_port(struct siege *s, int fd)
{
    char line[4096];
    FILE *log = fdopen(fd, "r");

    while (log != NULL && fgets(line, sizeof(line), log) != NULL) {
        const char *at = strstr(line, "mqtt://127.0.0.1:");

        if (strstr(line, "event=ready") != NULL && at != NULL) {
            s->address.sin_port = htons((uint16_t)strtoul(at + 17, NULL, 10));
            return; /* the pipe stays open: the broker goes on logging */
        }
    }
    die("siege: the broker has not started");
}

/* Lets the broker write whatever it likes. */
static void
drain_log(int fd)
{
    if (fork() == 0) {
        char bytes[65536];

        while (read(fd, bytes, sizeof(bytes)) > 0) {
        }
        _exit(0);
    }
}

/* One line of a password file. */
static void
write_passwords(const char *program, const char *path)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        (void)execl(program, "wilco", "passwd", "-b", "-c", path, "ann", "right", (char *)NULL);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        die("siege: the password file");
    }
}

/* A user with a password, for those who guess, and everybody else without one. */
static void
write_files(struct files *f, const char *program)
{
    char name[] = "/tmp/siege-XXXXXX";
    char passwords[sizeof(name) + 16];
    FILE *config = NULL;

    if (mkdtemp(name) == NULL) {
        die("siege: mkdtemp");
    }
    (void)snprintf(f->folder, sizeof(f->folder), "%s", name);
    (void)snprintf(f->config, sizeof(f->config), "%s/conf", name);
    (void)snprintf(passwords, sizeof(passwords), "%s/passwords", name);
    write_passwords(program, passwords);
    config = fopen(f->config, "we");
    if (config == NULL) {
        die("siege: the configuration");
    }
    (void)fprintf(config, "listen mqtt://127.0.0.1:0\nallow_anonymous true\npassword_file %s\n",
                  passwords);
    (void)fclose(config);
}

static void
remove_files(const struct files *f)
{
    char passwords[sizeof(f->folder) + 16];

    (void)snprintf(passwords, sizeof(passwords), "%s/passwords", f->folder);
    (void)unlink(passwords);
    (void)unlink(f->config);
    (void)rmdir(f->folder);
}

static void
start_wilco(struct siege *s, const char *program, const struct files *f)
{
    char self[16] = "";
    int log[2];

    if (pipe(log) != 0) {
        die("siege: pipe");
    }
    s->broker = fork();
    if (s->broker == 0) {
        (void)dup2(log[1], STDERR_FILENO);
        (void)close(log[0]);
        (void)snprintf(self, sizeof(self), "%s", geteuid() == 0 ? "root" : "");
        (void)execl(program, "wilco", "broker", "--config", f->config, "--set",
                    "connect_timeout_ms=500", "--set", "packet_timeout_ms=500", "--user", self,
                    (char *)NULL);
        _exit(127);
    }
    (void)close(log[1]);
    read_port(s, log[0]);
    drain_log(log[0]);
}

static void
start_other(struct siege *s, char **command, const char *port)
{
    const struct timespec second = {.tv_sec = 1};

    s->broker = fork();
    if (s->broker == 0) {
        (void)execvp(command[0], command);
        _exit(127);
    }
    s->address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    (void)nanosleep(&second, NULL);
}

static uint64_t
limit_ms(void)
{
    const char *text = getenv("SIEGE_PROBE_MS");

    return text == NULL ? 5000 : strtoul(text, NULL, 10);
}

static void
attack(struct siege *s, const struct siege_attack *a)
{
    uint64_t before = siege_resident_bytes(s->broker);
    struct siege_probe *probe = NULL;
    struct siege_figures f;
    uint64_t growth = 0;
    size_t broken = s->broken;

    s->attack = a->name;
    probe = siege_probe_start(s);
    a->run(s);
    f = siege_probe_stop(probe);
    growth = f.resident_bytes_max > before ? f.resident_bytes_max - before : 0;
    siege_expect(s, a->growth_bytes_max == 0 || growth <= a->growth_bytes_max,
                 "the broker's memory has grown by too much");
    siege_expect(s, f.worst_us / 1000 <= limit_ms(), "a request took too long");
    (void)printf("%-20s %9.2f %9.2f %9llu %9.2f %9.2f  %s\n", a->name, (double)growth / MIB,
                 ((double)siege_resident_bytes(s->broker) - (double)before) / MIB,
                 (unsigned long long)f.count, (double)f.p99_us / 1000, (double)f.worst_us / 1000,
                 s->broken == broken ? "ok" : "FAILED");
    (void)fflush(stdout);
}

static void
attack_all(struct siege *s)
{
    const char *only = getenv("SIEGE_ONLY");

    (void)printf("%-20s %9s %9s %9s %9s %9s\n", "attack", "grown", "stays", "requests", "p99",
                 "worst");
    (void)printf("%-20s %9s %9s %9s %9s %9s\n", "", "MiB", "MiB", "", "ms", "ms");
    for (const struct siege_attack *a = siege_attacks(); a->name != NULL; a++) {
        if (only == NULL || strcmp(only, a->name) == 0) {
            attack(s, a);
        }
    }
}

int
main(int argc, char **argv)
{
    struct siege s = {.scale = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1};
    struct files files = {.folder = ""};
    struct rlimit descriptors;
    int status = 0;

    (void)signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
        descriptors.rlim_cur = descriptors.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &descriptors);
    }
    s.address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (argc > 3) {
        start_other(&s, argv + 3, argv[2]);
    } else {
        write_files(&files, argc > 2 ? argv[2] : "build/wilco");
        start_wilco(&s, argc > 2 ? argv[2] : "build/wilco", &files);
    }
    s.attack = "warm-up"; /* what is made once */
    for (int i = 0; i < 2; i++) {
        struct siege_probe *probe = siege_probe_start(&s);

        siege_attacks()[0].run(&s);
        (void)siege_probe_stop(probe);
    }
    attack_all(&s);
    (void)kill(s.broker, SIGTERM);
    (void)waitpid(s.broker, &status, 0);
    if (files.folder[0] != '\0') {
        remove_files(&files);
    }
    if (argc <= 3 && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
        s.broken++;
        (void)printf("the broker did not end as it should\n");
    }
    return s.broken == 0 ? 0 : 1;
}
