#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_BYTES_MAX 65536

/* Runs a fuzz target over the files of a folder, and over every beginning of each: the kept corpus
 * is part of the tests without a fuzzer at hand. */
static void
run_prefixes(const uint8_t *data, size_t size)
{
    for (size_t len = 0; len <= size; len++) {
        uint8_t *exact = malloc(len);

        if (len > 0) {
            memcpy(exact, data, len);
        }
        (void)LLVMFuzzerTestOneInput(exact, len);
        free(exact);
    }
}

static bool
run_file(const char *folder, const char *name)
{
    static uint8_t bytes[INPUT_BYTES_MAX];
    char path[4096];
    FILE *file;
    size_t size;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    size = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    run_prefixes(bytes, size);
    return true;
}

int
main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    size_t files = 0;
    bool ok = true;

    if (folder == NULL) {
        (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 1;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            ok = run_file(argv[1], entry->d_name) && ok;
            files++;
        }
    }
    (void)closedir(folder);
    (void)printf("%zu files\n", files);
    return ok && files > 0 ? 0 : 1;
}
